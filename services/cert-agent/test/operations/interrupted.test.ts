import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createBackground } from '../../src/background.ts'
import { createDeps } from '../../src/deps.ts'
import { type AgentUnderTest, startAgent } from '../support/agent.ts'
import { createPem, operationAt, until, untilOperation } from './support.ts'

/** Takes connections and says nothing. */
async function startMute() {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket
      .resume()
      .on('error', () => {})
      .on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

let agent: AgentUnderTest
let mute: Awaited<ReturnType<typeof startMute>>
let serverId: string
let vhostId: string
beforeAll(async () => {
  agent = await startAgent()
  mute = await startMute()
  agent.executor.open(mute.port)
  const credential = agent.broker.add({
    ...{ projectId: agent.projectId, name: 'ssh', type: 'ssh', secret: { password: 'not-a-password' } },
    extra: { username: 'root' },
  })
  const server = await agent.call('POST', '/api/servers', {
    ...{ name: 'mute', host: '127.0.0.1', port: mute.port, credential: credential.id },
  })
  const vhost = await agent.call('POST', `/api/servers/${server.body.id}/vhosts`, {
    names: ['a.example.org'],
  })
  serverId = server.body.id
  vhostId = vhost.body.id
}, 60_000)
afterAll(async () => {
  await mute?.close()
  await agent?.stop()
})

const startDeploying = async (name: string): Promise<string> => {
  const before = mute.sockets.size
  const brought = await agent.call('POST', '/api/certificates/import', {
    ...{ name, pem: createPem('a.example.org'), vhost_ids: [vhostId] },
  })
  const { body } = await agent.call(
    'GET',
    `/api/certificates/operations?kind=deploy&certificate_id=${brought.body.id}`,
  )
  await until(
    async () => mute.sockets.size,
    (size) => size > before,
    'an SSH connection',
  )
  return body.items[0].id
}

test('work under way hears of a cancellation and lets go of its target', async () => {
  const id = await startDeploying('cancelled')
  await agent.call('POST', `/api/certificates/operations/${id}/cancel`)
  const ended = await untilOperation(agent.call, id, ({ finished_at }) => finished_at !== null)
  expect(ended.state).toBe('cancelled')
  await until(
    async () => mute.sockets.size,
    (size) => size === 0,
    'the connection closed',
  )
}, 30_000)

test('who takes the place of an operation during its attempt is heard when the attempt has failed', async () => {
  const id = await startDeploying('replaced')
  const { certificate_id } = await untilOperation(agent.call, id, () => true)
  const again = await agent.call('POST', `/api/certificates/${certificate_id}/deploy`, {})
  const ended = await until(
    async () => {
      for (const socket of mute.sockets) socket.destroy()
      return (await agent.call('GET', `/api/certificates/operations/${id}`)).body
    },
    ({ finished_at }) => finished_at !== null,
    'superseded',
  )
  expect(ended).toMatchObject({ state: 'succeeded', result: { live: 0, superseded: 1 } })
  await agent.call('POST', `/api/certificates/operations/${again.body.id}/cancel`)
  await untilOperation(agent.call, again.body.id, ({ finished_at }) => finished_at !== null)
  await until(
    async () => mute.sockets.size,
    (size) => size === 0,
    'the connection closed',
  )
}, 60_000)

test('a process that stops in the midst of an attempt is followed by another, which counts it for nothing', async () => {
  const id = await startDeploying('interrupted')
  const { body: discovery } = await agent.call('POST', `/api/servers/${serverId}/discover`, {})
  const leaseOfDiscovery = () =>
    agent.owner
      .query("SELECT FROM cert_agent.leases WHERE key LIKE 'discover:%'")
      .then((found) => found.rowCount)
  await until(leaseOfDiscovery, (count) => count === 1, 'the discovery at work')
  await agent.background.drain()
  await until(
    async () => mute.sockets.size,
    (size) => size === 0,
    'the connection closed',
  )
  const next = createDeps(agent.deps.config, { log: agent.deps.log })
  const background = createBackground(next)
  background.start()
  try {
    await until(
      async () => mute.sockets.size,
      (size) => size > 0,
      'the next attempt',
    )
    await until(leaseOfDiscovery, (count) => count === 1, 'the discovery at work again')
    expect(await operationAt(agent.call, discovery.id)).toMatchObject({ state: 'running', error: null })
    await agent.call('POST', `/api/certificates/operations/${discovery.id}/cancel`)
    const operation = await untilOperation(agent.call, id, () => true)
    expect(operation).toMatchObject({ state: 'running', progress: { attempts: 0 } })
    await agent.call('POST', `/api/certificates/operations/${id}/cancel`)
    await untilOperation(agent.call, id, ({ state }) => state === 'cancelled')
  } finally {
    await background.stop()
    await next.dispose()
  }
}, 60_000)
