import { HostName } from '@opsconductor/contracts'
import { z } from 'zod'
import { defineConnectorKind } from './define-connector-kind.ts'
import { withFixed } from './set-fields.ts'
import { Port } from './settings-fields.ts'

export const sshHost = defineConnectorKind({
  kind: 'ssh_host',
  title: 'SSH server',
  description: 'A server that steps log in to over SSH.',
  settings: z.object({ host: HostName, port: Port.default(22) }).strict(),
  address: ['host', 'port'],
  credentials: ['ssh', 'ssh_certificate'],
  credentialRequired: true,
  stepTypes: ['ssh.exec', 'ssh.script', 'ssh.upload', 'ssh.download'],
  apply: ({ host, port }, input) => withFixed(input, { host, port }),
  check: ({ host, port }) => ({ kind: 'ssh', host, port }),
})
