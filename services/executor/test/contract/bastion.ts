import { startSshd } from '@opsconductor/test-peers'
import type { ExecutorUnderTest } from '../support/executor.ts'
import { trustIn } from './peers-ssh.ts'

/** A bastion of the project, which targets name in `via`: an OpenSSH server. */
export async function startBastion() {
  const server = await startSshd()
  return {
    port: server.port,
    /** Once the outbound policy opens its port. */
    async join({ projectId, broker, call }: ExecutorUnderTest): Promise<void> {
      const host = 'bastion.example.com'
      const secret = { private_key: server.clientKey.privateKey }
      const extra = { username: server.username }
      const { name: credential } = broker.add({
        projectId,
        name: 'bastion login',
        type: 'ssh',
        secret,
        extra,
      })
      broker.hostKeys.push(trustIn(server, host))
      const bastion = { name: 'bastion', host, port: server.port, credential }
      const added = await call('POST', '/api/bastions', bastion)
      if (added.status !== 201) throw new Error(JSON.stringify(added.body))
    },
    stop: () => server.close(),
  }
}
