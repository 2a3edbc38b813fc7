import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type MariaDb, mariadbIsMissing, startMariaDb } from '@opsconductor/test-peers'
import { createJob, type ExecutorUnderTest, endOf, runToEnd, startExecutor } from '../support/executor.ts'
import { createDatabases, sqlStepsOn, until } from './sql-steps.ts'

const mariadbTest = mariadbIsMissing() ? test.skip : test
const databases = createDatabases()
let executor: ExecutorUnderTest
let mariadb: MariaDb | undefined

beforeAll(async () => {
  executor = await startExecutor()
  const { port } = new URL(executor.database.ownerUrl)
  mariadb = mariadbIsMissing() ? undefined : await startMariaDb()
  await executor.open(Number(port), ...(mariadb === undefined ? [] : [mariadb.port]))
  const { broker, projectId } = executor
  broker.add({ projectId, name: 'pg', type: 'db_dsn', secret: { dsn: executor.database.ownerUrl } })
  if (mariadb !== undefined)
    broker.add({ projectId, name: 'maria', type: 'db_dsn', secret: { dsn: mariadb.urlOf('test') } })
}, 60_000)

afterAll(async () => {
  await databases.close()
  await executor?.stop()
  await mariadb?.close()
})

test('000.15 000.14 000.19 a script, a change and a query: later steps take what earlier ones answered', async () => {
  const table = `job_${randomUUID().replaceAll('-', '')}`
  const step = (id: string, type: string, input: Record<string, unknown>) => ({
    id,
    type,
    credential: 'pg',
    input,
  })
  const job = await createJob(executor, {
    steps: [
      step('make', 'sql.script', {
        script: `CREATE TABLE ${table} (id int, name text); CREATE INDEX ON ${table} (id);`,
      }),
      step('put', 'sql.execute', {
        sql: `INSERT INTO ${table} VALUES (:id, :name) RETURNING id, name`,
        parameters: { id: '{{ input.id }}', name: '{{ input.name }}' },
      }),
      step('get', 'sql.query', {
        sql: `SELECT name, :seen::int AS seen FROM ${table} WHERE id = :id`,
        parameters: { id: '{{ steps.put.results.0.rows.0.id }}', seen: '{{ steps.put.affected_rows }}' },
      }),
    ],
  })
  const run = await runToEnd(executor, job.id, { id: 7, name: "it's; DROP" })
  expect(run.error).toBeNull()
  expect(run.output).toMatchObject({ rows: [{ name: "it's; DROP", seen: 1 }] })
})

mariadbTest('000.21 a cancelled run leaves no statement behind on MariaDB', async () => {
  const sql = 'SELECT SLEEP(60) AS cancelled_one'
  const job = await createJob(executor, {
    steps: [{ id: 'ask', type: 'sql.query', credential: 'maria', input: { sql } }],
  })
  const started = await executor.call('POST', `/api/jobs/${job.id}/runs`, { input: {} })
  const watching = sqlStepsOn((mariadb as MariaDb).urlOf('test'), databases)
  const running = async () => {
    const { rows } = await watching.query(
      'SELECT COUNT(*) AS n FROM information_schema.processlist WHERE info = :sql',
      { sql },
    )
    return rows[0].n
  }
  await until(async () => (await running()) === 1)
  await executor.call('POST', `/api/runs/${started.body.id}/cancel`)
  expect((await endOf(executor, started.body.id)).status).toBe('cancelled')
  await until(async () => (await running()) === 0)
})

test('templates in SQL text are refused with a hint, wherever a statement stands', async () => {
  const refused = await executor.call('POST', '/api/jobs', {
    name: `job ${randomUUID()}`,
    steps: [
      {
        id: 'put',
        type: 'sql.execute',
        credential: 'pg',
        input: { statements: [{ sql: 'SELECT 1' }, { sql: 'DELETE FROM {{ input.table }}' }] },
      },
    ],
  })
  expect([refused.status, refused.body.errors[0].path]).toEqual([
    422,
    'body.steps[0].input.statements[1].sql',
  ])
  expect(refused.body.errors[0].message).toContain('give the value in parameters')
})
