import { createTestCertificates, freePort } from '@opsconductor/test-peers'
import type { AgentUnderTest, Answer, Call } from '../support/agent.ts'

/** Asks again until the answer is as it should be. */
export async function until<T>(
  ask: () => Promise<T>,
  isSo: (answer: T) => boolean,
  what: string,
): Promise<T> {
  const end = performance.now() + 20_000
  for (;;) {
    const answer = await ask()
    if (isSo(answer)) return answer
    if (performance.now() > end) throw new Error(`never: ${what}; last: ${JSON.stringify(answer)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

export const operationAt = (call: Call, id: string): Promise<Answer['body']> =>
  call('GET', `/api/certificates/operations/${id}`).then(({ body }) => body)

/** The operation, once it is so. */
export const untilOperation = (
  call: Call,
  id: string,
  isSo: (operation: Answer['body']) => boolean,
): Promise<Answer['body']> => until(() => operationAt(call, id), isSo, `operation ${id}`)

/** PEM of a key, its certificate for the names, and its CA. */
export function createPem(...names: string[]): string {
  const { ca, server } = createTestCertificates(names)
  return `${server.key}${server.cert}${ca}`
}

/** A server that nobody answers for, with a virtual host for each name. */
export async function createDeadServer(
  { broker, executor, call, projectId }: Pick<AgentUnderTest, 'broker' | 'executor' | 'call' | 'projectId'>,
  name: string,
  hosts: readonly string[],
): Promise<{ serverId: string; vhostIds: string[] }> {
  const port = await freePort()
  executor.open(port)
  const credential = broker.add({
    ...{ projectId, name: `ssh-${name}`, type: 'ssh', secret: { password: 'not-a-password' } },
    extra: { username: 'root' },
  })
  const server = await call('POST', '/api/servers', {
    name,
    host: '127.0.0.1',
    port,
    credential: credential.id,
  })
  if (server.status !== 201) throw new Error(`no server: ${JSON.stringify(server.body)}`)
  const vhostIds: string[] = []
  for (const host of hosts) {
    const vhost = await call('POST', `/api/servers/${server.body.id}/vhosts`, { names: [host] })
    if (vhost.status !== 201) throw new Error(`no virtual host: ${JSON.stringify(vhost.body)}`)
    vhostIds.push(vhost.body.id)
  }
  return { serverId: server.body.id, vhostIds }
}
