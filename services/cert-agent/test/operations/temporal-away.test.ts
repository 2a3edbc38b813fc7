import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { testTemporalAddress } from '@opsconductor/test-peers'
import { startQueued } from '../../src/operations/chores.ts'
import { type AgentUnderTest, startAgent } from '../support/agent.ts'
import { createDeadServer, createPem, until, untilOperation } from './support.ts'

/** A way to Temporal that can be closed. */
async function startWay() {
  const sockets = new Set<Socket>()
  let isOpen = false
  const [host = '', port = ''] = testTemporalAddress().split(':')
  const server: Server = createServer((client) => {
    if (!isOpen) return void client.destroy()
    const upstream = connect(Number(port), host)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy()).on('close', () => to.destroy())
      from.pipe(to)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${(server.address() as { port: number }).port}`,
    open() {
      isOpen = true
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

let way: Awaited<ReturnType<typeof startWay>>
let agent: AgentUnderTest
beforeAll(async () => {
  way = await startWay()
  agent = await startAgent({ environment: { TEMPORAL_ADDRESS: way.address } })
}, 60_000)
afterAll(async () => {
  await agent?.stop()
  await way?.close()
})

test('while Temporal is away an operation is taken and stays queued, and goes on when Temporal is back', async () => {
  const { vhostIds } = await createDeadServer(agent, 'dead', ['a.example.org'])
  const brought = await agent.call('POST', '/api/certificates/import', {
    ...{ name: 'a', pem: createPem('a.example.org'), vhost_ids: vhostIds },
  })
  expect(brought.status).toBe(201)
  const { id } = brought.body
  const asked = await agent.call('POST', `/api/certificates/${id}/deploy`, {})
  expect(asked).toMatchObject({ status: 202, body: { state: 'queued', started_at: null } })
  const [first] = (await agent.call('GET', '/api/certificates/operations?kind=deploy')).body.items.slice(-1)
  expect((await agent.call('POST', `/api/certificates/operations/${first.id}/cancel`)).status).toBe(503)
  way.open()
  // The clients' connections come back by themselves.
  await until(
    () =>
      agent.deps.temporal.ready().then(
        () => true,
        () => false,
      ),
    (isThere) => isThere,
    'Temporal',
  )
  await agent.owner.query("UPDATE cert_agent.operations SET created_at = created_at - interval '1 minute'")
  await startQueued(agent.deps)
  const waiting = await untilOperation(agent.call, asked.body.id, ({ progress }) => progress.attempts === 1)
  expect(waiting.state).toBe('running')
}, 60_000)
