import { HostName } from '@opsconductor/contracts'
import { z } from 'zod'
import { defineConnectorKind } from './define-connector-kind.ts'
import { withFixed } from './set-fields.ts'
import { Port } from './settings-fields.ts'

export const snmpDevice = defineConnectorKind({
  kind: 'snmp_device',
  title: 'SNMP device',
  description: 'A device with an SNMP agent; which version it speaks is said by its credential.',
  settings: z.object({ host: HostName, port: Port.default(161) }).strict(),
  address: ['host', 'port'],
  credentials: ['snmp_v3', 'snmp_community'],
  credentialRequired: true,
  stepTypes: ['snmp.get', 'snmp.set', 'snmp.walk'],
  apply: ({ host, port }, input) => withFixed(input, { host, port }),
  check: ({ host, port }) => ({ kind: 'snmp', host, port }),
})
