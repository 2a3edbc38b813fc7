import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createJob, type ExecutorUnderTest, runToEnd, startExecutor } from './support/executor.ts'
import { sendJson, startTarget } from './support/target-server.ts'

let executor: ExecutorUnderTest
let target: Awaited<ReturnType<typeof startTarget>>

beforeAll(async () => {
  target = await startTarget((received, response) => {
    if (received.method === 'GET') sendJson(response, { id: 7, name: 'Ada', url: received.url })
    else sendJson(response, { stored: JSON.parse(received.body) })
  })
  executor = await startExecutor()
  const port = Number(new URL(executor.database.ownerUrl).port)
  await executor.open(target.port, port)
  executor.broker.add({
    projectId: executor.projectId,
    name: 'db',
    type: 'db_dsn',
    secret: { dsn: executor.database.urlOf('executor') },
  })
}, 60_000)
afterAll(async () => {
  await executor?.stop()
  await target?.close()
})

test('000.01 000.13 000.19 three steps run in order, each with the results before it', async () => {
  const job = await createJob(executor, {
    input_schema: { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] },
    steps: [
      { id: 'fetch', type: 'http.get', input: { url: `${target.url}/people/{{ input.id }}` } },
      {
        id: 'look_up',
        type: 'sql.query',
        credential: 'db',
        input: {
          sql: 'SELECT $1::int + 1 AS next, $2::text AS name',
          parameters: ['{{ steps.fetch.body.id }}', '{{ steps.fetch.body.name }}'],
        },
      },
      {
        id: 'store',
        type: 'http.post',
        input: {
          url: `${target.url}/log`,
          json: { row: '{{ steps.look_up.rows.0 }}', note: 'of {{ run.id }}' },
        },
      },
    ],
    output: { next: '{{ steps.look_up.rows.0.next }}', stored: '{{ steps.store.body.stored }}' },
  })
  const run = await runToEnd(executor, job.id, { id: 7 })
  expect(run).toMatchObject({
    status: 'succeeded',
    output: { next: 8, stored: { row: { next: 8, name: 'Ada' }, note: `of ${run.id}` } },
    error: null,
    job_id: job.id,
    job_version: 1,
  })
  expect(run.steps.map((s: { step_id: string; status: string }) => [s.step_id, s.status])).toEqual([
    ['fetch', 'succeeded'],
    ['look_up', 'succeeded'],
    ['store', 'succeeded'],
  ])
})
