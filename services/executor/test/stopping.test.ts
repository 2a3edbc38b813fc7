import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { testInternalKey } from '@opsconductor/test-peers'
import { request } from 'undici'
import { startChildExecutor } from './support/child-executor.ts'
import { callerAt, startNeighbours } from './support/executor.ts'

let neighbours: Awaited<ReturnType<typeof startNeighbours>>
beforeAll(async () => {
  neighbours = await startNeighbours()
}, 60_000)
afterAll(() => neighbours?.stop())

async function refusesConnections(url: string): Promise<boolean> {
  try {
    await (await request(url)).body.dump()
    return false
  } catch (error) {
    return (error as { code?: string }).code === 'ECONNREFUSED'
  }
}

test('an executor that is stopped answers the broker about a run for as long as its step may borrow', async () => {
  const { environment, projectId, broker, token } = neighbours
  broker.add({ projectId, name: 'token', type: 'bearer_token', secret: { token: 'abcdefgh' } })
  const child = await startChildExecutor(environment)
  const call = callerAt(child.publicUrl, token)
  const job = await call('POST', '/api/jobs', {
    name: 'borrows',
    steps: [{ id: 'fetch', type: 'http.get', credential: 'token', input: { url: 'http://127.0.0.1:9/' } }],
  })
  const asked = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<number>()
  const { promise: stopping, resolve: stop } = Promise.withResolvers<void>()
  broker.onLend(async () => {
    asked.resolve()
    await stopping
    // As the real broker does before it lends.
    const { statusCode, body } = await request(`${child.internalUrl}/internal/runs/${runId}`, {
      headers: { 'x-internal-key': testInternalKey },
    })
    await body.dump()
    answered.resolve(statusCode)
  })
  const { body: run } = await call('POST', `/api/jobs/${job.body.id}/runs`, {})
  const runId: string = run.id
  await asked.promise
  const ended = child.end('SIGTERM')
  while (!(await refusesConnections(child.publicUrl)));
  stop()
  expect(await answered.promise).toBe(200)
  expect(await ended).toBe(0)
}, 60_000)
