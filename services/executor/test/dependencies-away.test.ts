import { expect, test } from '@jest/globals'
import pg from 'pg'
import { request } from 'undici'
import { createJob, runToEnd, startExecutor } from './support/executor.ts'
import { sendJson, startTarget } from './support/target-server.ts'

test('while Temporal is away a run is refused with 503 and Retry-After, and no run is left behind', async () => {
  const executor = await startExecutor({ temporalAddress: '127.0.0.1:1' })
  const step = { id: 'fetch', type: 'http.get', input: { url: 'https://example.com/' } }
  const job = await createJob(executor, { steps: [step] })
  const started = await executor.call('POST', `/api/jobs/${job.id}/runs`, {})
  expect([started.status, started.body.code]).toEqual([503, 'service_unavailable'])
  expect(started.headers['retry-after']).toBe('2')
  expect((await executor.call('GET', '/api/runs')).body.items).toEqual([])
  const ready = await request(`${executor.internalUrl}/readyz`)
  expect(ready.statusCode).toBe(503)
  await ready.body.dump()
  await executor.stop()
}, 60_000)

test.each([
  ['', { type: 'http.post' }],
  [
    ', also where its steps are so short that their rows are written behind',
    { type: 'http.get', timeout_seconds: 2 },
  ],
])(
  'a run outlives the loss of every database connection%s',
  async (_, more) => {
    const executor = await startExecutor()
    let cut = 0
    const target = await startTarget(async (_, response) => {
      cut += await executor.database.cutConnections('executor')
      sendJson(response, { ok: true })
    })
    await executor.open(target.port)
    const step = (id: string) => ({ id, ...more, input: { url: target.url } })
    const job = await createJob(executor, { steps: [step('one'), step('two')] })
    const run = await runToEnd(executor, job.id)
    expect(cut).toBeGreaterThan(0)
    expect(run).toMatchObject({ status: 'succeeded' })
    expect(run.steps.map((s: { status: string }) => s.status)).toEqual(['succeeded', 'succeeded'])
    expect(target.received).toHaveLength(2)
    await target.close()
    await executor.stop()
  },
  60_000,
)

test('a change of the outbound policy reaches the workers, and closes what it no longer allows', async () => {
  const executor = await startExecutor()
  const target = await startTarget((_, response) => sendJson(response, { ok: true }))
  const step = { id: 'fetch', type: 'http.get', input: { url: target.url } }
  const job = await createJob(executor, { steps: [step] })
  const outcome = async () => {
    const run = await runToEnd(executor, job.id)
    return run.error?.code ?? run.status
  }
  const until = async (wanted: string) => {
    while ((await outcome()) !== wanted);
    return wanted
  }
  expect(await outcome()).toBe('outbound_denied')
  await executor.open(target.port)
  expect(await until('succeeded')).toBe('succeeded')
  await executor.call('PUT', '/api/outbound-policy', { allow: [] })
  expect(await until('outbound_denied')).toBe('outbound_denied')
  await target.close()
  await executor.stop()
}, 60_000)

test('000.48 connections go to the address that was checked, and a name is checked at each connection', async () => {
  const target = await startTarget((_, response) => {
    response.setHeader('connection', 'close')
    sendJson(response, { ok: true })
  })
  let address = '127.0.0.1'
  const executor = await startExecutor({ resolve: async () => [{ address, family: 4 }] })
  await executor.open(target.port)
  const url = `http://app.example:${target.port}/`
  const http = await createJob(executor, { steps: [{ id: 'fetch', type: 'http.get', input: { url } }] })
  // No DNS knows the name, so only the checked address can have been used.
  expect((await runToEnd(executor, http.id)).status).toBe('succeeded')
  expect(target.received[0]?.headers.host).toBe(`app.example:${target.port}`)

  address = '169.254.169.254'
  expect((await runToEnd(executor, http.id)).error.code).toBe('outbound_denied')
  const dsn = `postgres://u:secret-password@app.example:${target.port}/x`
  executor.broker.add({ projectId: executor.projectId, name: 'db', type: 'db_dsn', secret: { dsn } })
  const ask = { id: 'ask', type: 'sql.query', credential: 'db', input: { sql: 'SELECT 1' } }
  const sql = await createJob(executor, { steps: [ask] })
  expect((await runToEnd(executor, sql.id)).error.code).toBe('outbound_denied')
  expect(target.received).toHaveLength(1)
  await target.close()
  await executor.stop()
}, 60_000)

test('a query of Prisma’s that is cut in its middle reads as an outage', async () => {
  const executor = await startExecutor()
  const owner = new pg.Client({ connectionString: executor.database.ownerUrl })
  await owner.connect()
  await owner.query('BEGIN')
  await owner.query('LOCK TABLE executor.outbound_policies')
  const answering = executor.call('GET', '/api/outbound-policy')
  const waiting =
    "SELECT FROM pg_locks WHERE NOT granted AND relation = 'executor.outbound_policies'::regclass"
  while ((await owner.query(waiting)).rowCount === 0);
  await executor.database.cutConnections('executor')
  expect((await answering).status).toBe(503)
  await owner.end()
  await executor.stop()
})
