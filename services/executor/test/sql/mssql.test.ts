import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { AppError } from '@opsconductor/errors'
import {
  createTestCertificates,
  startTdsServer,
  type TdsServer,
  type TestCertificates,
  tdsLogin,
} from '@opsconductor/test-peers'
import { createDatabases, failureOf, type SqlSteps, sqlStepsOn, until } from './sql-steps.ts'

const databases = createDatabases()
let server: TdsServer
let secure: TdsServer
let certificates: TestCertificates
let steps: SqlSteps

const dsnOf = ({ port }: { port: number }, parameters = '', password = tdsLogin.password) =>
  `mssql://${tdsLogin.user}:${password}@127.0.0.1:${port}/master${parameters}`

beforeAll(async () => {
  certificates = createTestCertificates()
  server = await startTdsServer()
  secure = await startTdsServer({ certificate: certificates.server })
  steps = sqlStepsOn(dsnOf(server), databases)
  await steps.script(
    "CREATE TABLE thing (id integer primary key, name text)\nGO\nINSERT INTO thing VALUES (1, 'one'), (2, 'two')\ngo",
  )
})

afterAll(async () => {
  await databases.close()
  await Promise.all([server?.close(), secure?.close()])
})

test('000.16c 000.13 a query over the TDS protocol takes parameters by name and by place', async () => {
  const named = await steps.query('SELECT id, name FROM thing WHERE id = :id AND :id > 0', { id: 2 })
  expect(named).toEqual({ rows: [{ id: 2, name: 'two' }], row_count: 1, truncated: false })
  const placed = await steps.query('SELECT @p1 AS a, @p2 AS b, @p3 AS c, @p4 AS d', [
    'é',
    1.5,
    null,
    9007199254740991,
  ])
  expect(placed.rows).toEqual([{ a: 'é', b: 1.5, c: null, d: 9007199254740991 }])
  expect((await steps.query('SELECT 9007199254740993 AS n')).rows).toEqual([{ n: '9007199254740993' }])
})

test('000.16c 000.18 of several statements all take effect or none', async () => {
  const insert = { sql: "INSERT INTO thing VALUES (:id, 'x')", parameters: { id: 10 } }
  const failure = await failureOf(steps.execute({ statements: [insert, insert] }))
  expect(failure.message).toMatch(/^Statement 2 of 2: .*UNIQUE.*; nothing was changed\.$/)
  expect((await steps.query('SELECT id FROM thing WHERE id = 10')).rows).toEqual([])
  const isolation = 'snapshot'
  expect(await steps.execute({ statements: [insert], isolation })).toMatchObject({ affected_rows: 1 })
})

test('000.16c 000.21 a statement that is stopped is stopped by an attention; the connection serves on', async () => {
  const stop = new AbortController()
  const failure = failureOf(steps.execute("WAITFOR DELAY '00:00:50'", { signal: stop.signal }))
  await until(async () => server.waiting() === 1)
  stop.abort(new AppError('step_timeout', 'The step took too long.'))
  expect(await failure).toMatchObject({ code: 'step_timeout' })
  await until(async () => server.waiting() === 0 && server.attentions() === 1)
  expect((await steps.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
})

test('rows beyond the limit are not waited for', async () => {
  const sql = 'WITH c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 50000) SELECT n FROM c'
  for (const rows_max of [3, 3000]) {
    const cut = await steps.query(sql, [], { rows_max })
    expect([cut.row_count, cut.truncated_by, cut.rows.at(-1)]).toEqual([rows_max, 'rows', { n: rows_max }])
  }
})

test.each([
  ['a wrong password', () => dsnOf(server, '', 'wrong-password'), 'step_failed', 'wrong user or password'],
  [
    'no TLS where it is asked for',
    () => dsnOf(server, '?encrypt=true'),
    'target_unreachable',
    'could not be reached',
  ],
  [
    'a certificate nobody vouches for',
    () => dsnOf(secure, '?encrypt=strict'),
    'target_unreachable',
    'is not trusted',
  ],
])('SQL Server with %s says so', async (_, dsn, code, text) => {
  const failure = await failureOf(sqlStepsOn(dsn(), databases).query('SELECT 1'))
  expect(failure).toMatchObject({ code, message: expect.stringContaining(text) })
  expect(failure.message).not.toContain('wrong-password')
})

test('encrypt=strict speaks TLS 1.3 to a server that the project trusts', async () => {
  const trusting = sqlStepsOn(dsnOf(secure, '?encrypt=strict'), databases, { caBundles: [certificates.ca] })
  expect((await trusting.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
})

test('a server that sends its clients to another one is not followed', async () => {
  const sender = await startTdsServer({ routesTo: { host: '169.254.169.254', port: 80 } })
  try {
    const failure = await failureOf(sqlStepsOn(dsnOf(sender), databases).query('SELECT 1'))
    expect(failure).toMatchObject({
      code: 'outbound_denied',
      message: expect.stringContaining('another one'),
    })
  } finally {
    await sender.close()
  }
})

test.each([
  'SELECT 1; DROP TABLE thing',
  'SELECT 1 DROP TABLE thing',
  'SELECT 1 COMMIT DELETE FROM thing',
  'SELECT * INTO copy FROM thing',
  "SELECT 1 EXEC xp_cmdshell 'id'",
  "SELECT * FROM OPENROWSET('x', 'y', 'z')",
  "SELECT 1 /* ' */ DELETE FROM thing -- '",
  "SELECT [a]]] = 1 /* /* */ ' */ UPDATE thing SET name = ''",
  "SELECT 1; THROW 50000, 'x', 1",
  'WITH c AS (SELECT 1 AS n) DELETE FROM thing',
  'EXEC sp_who',
  "WAITFOR DELAY '00:00:01'",
])('000.20 sql.query on SQL Server, which has no read-only transactions, refuses %s', async (sql) => {
  expect(await failureOf(steps.query(sql))).toMatchObject({
    code: 'step_failed',
    message: expect.stringContaining('only reads'),
  })
  expect((await steps.query('SELECT COUNT(*) AS n FROM thing WHERE id < 3')).rows).toEqual([{ n: 2 }])
})

test('a name that is a word of writing stands in brackets', async () => {
  expect((await steps.query("SELECT 1 AS [update], 'drop' AS b;")).rows).toEqual([{ update: 1, b: 'drop' }])
})
