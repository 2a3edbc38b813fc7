import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { AppError } from '@opsconductor/errors'
import { createDatabases, failureOf, type SqlSteps, sqlStepsOn, until } from './sql-steps.ts'

// Engines that do not run here, by their DSN:
//   docker compose --profile mssql --profile oracle up mssql oracle
//   TEST_MSSQL_DSN='mssql://sa:Engine-test-1@127.0.0.1:14330/master'
//   TEST_ORACLE_DSN='oracle://tester:Engine-test-1@127.0.0.1:15210/FREEPDB1'

const engines = [
  {
    number: 'c',
    title: 'SQL Server',
    dsn: process.env.TEST_MSSQL_DSN,
    values: `SELECT CAST(9007199254740993 AS bigint) AS "big", CAST(7 AS bigint) AS "small", CAST(1.10 AS decimal(10,2)) AS "exact",
      CAST('2026-01-02 03:04:05.6789012' AS datetime2) AS "local", CAST('2026-01-02' AS date) AS "day", 0x00ff AS "bytes", N'é' AS "text"`,
    expected: { local: '2026-01-02 03:04:05.6789012', day: '2026-01-02' },
    rows: 'SELECT TOP (100000) ROW_NUMBER() OVER (ORDER BY (SELECT NULL)) AS "n" FROM sys.all_columns a CROSS JOIN sys.all_columns b',
    slow: 'SELECT COUNT_BIG(*) AS "slow_one" FROM sys.all_columns a, sys.all_columns b, sys.all_columns c, sys.all_columns d',
    running:
      'SELECT COUNT(*) AS "n" FROM sys.dm_exec_requests CROSS APPLY sys.dm_exec_sql_text(sql_handle) WHERE text LIKE \'%slow[_]one%\' AND session_id <> @@SPID',
    script:
      'CREATE PROCEDURE engine_double @x int AS SELECT @x * 2 AS "n"\nGO\nEXEC engine_double 4\nGO\nDROP PROCEDURE engine_double\n',
    isolation: 'snapshot',
  },
  {
    number: 'd',
    title: 'Oracle',
    dsn: process.env.TEST_ORACLE_DSN,
    values: `SELECT 9007199254740993 AS "big", 7 AS "small", TO_CHAR(1.10, '0.99') AS "exact",
      TO_TIMESTAMP('2026-01-02 03:04:05.6789', 'YYYY-MM-DD HH24:MI:SS.FF') AS "local", DATE '2026-01-02' AS "day",
      HEXTORAW('00ff') AS "bytes", 'é' AS "text" FROM dual`,
    expected: { local: '2026-01-02 03:04:05.678900000', day: '2026-01-02 00:00:00', exact: ' 1.10' },
    rows: 'SELECT LEVEL AS "n" FROM dual CONNECT BY LEVEL <= 100000',
    slow: 'SELECT COUNT(*) AS "slow_one" FROM all_objects a, all_objects b, all_objects c, all_objects d',
    running: undefined,
    script: 'BEGIN\n  NULL; NULL;\nEND;\n/\nDECLARE x int; BEGIN SELECT 1 INTO x FROM dual; END;\n/\n',
    isolation: 'serializable',
  },
]

describe.each(engines)(
  '000.16$number $title',
  ({ dsn, values, expected, rows, slow, running, script, isolation }) => {
    const engineTest = dsn === undefined ? test.skip : test
    const databases = createDatabases()
    let steps: SqlSteps
    beforeAll(async () => {
      if (dsn === undefined) return
      steps = sqlStepsOn(dsn, databases)
      await steps.execute('DROP TABLE engine_thing').catch(() => {})
      await steps.execute('CREATE TABLE engine_thing (id INTEGER PRIMARY KEY, name VARCHAR(200))')
    }, 60_000)
    afterAll(() => databases.close())

    engineTest('values come back exactly', async () => {
      const { rows: found } = await steps.query(values)
      expect(found).toEqual([
        {
          big: '9007199254740993',
          small: 7,
          exact: '1.10',
          bytes: { base64: 'AP8=' },
          text: 'é',
          ...expected,
        },
      ])
    })

    engineTest('000.18 000.20 parameters, changes and a rollback', async () => {
      const insert = {
        sql: 'INSERT INTO engine_thing VALUES (:id, :name)',
        parameters: { id: 1, name: "x'; DROP" },
      }
      expect((await failureOf(steps.execute({ statements: [insert, insert] }))).message).toContain(
        'Statement 2 of 2',
      )
      expect((await steps.execute({ statements: [insert], isolation })).affected_rows).toBe(1)
      const { rows: found } = await steps.query('SELECT id AS "id" FROM engine_thing WHERE name = :name', {
        name: "x'; DROP",
      })
      expect(found).toEqual([{ id: 1 }])
    })

    engineTest('000.15 a script', async () => {
      expect((await steps.script(script)).statements).toBeGreaterThan(1)
    })

    engineTest('a long answer is cut', async () => {
      const cut = await steps.query(rows, [], { rows_max: 3000 })
      expect([cut.row_count, cut.truncated_by, cut.rows[2999]]).toEqual([3000, 'rows', { n: 3000 }])
    })

    engineTest('000.21 a statement that is stopped ends at once, and on the server', async () => {
      const stop = new AbortController()
      const failure = failureOf(steps.query(slow, [], { signal: stop.signal }))
      const count = async () => Number((await steps.query(running ?? 'SELECT 0 AS "n" FROM dual')).rows[0].n)
      if (running !== undefined) await until(async () => (await count()) === 1)
      stop.abort(new AppError('step_timeout', 'The step took too long.'))
      expect(await failure).toMatchObject({ code: 'step_timeout' })
      await until(async () => (await count()) === 0)
    })

    engineTest('a wrong password says so', async () => {
      const url = new URL(dsn as string)
      url.password = 'wrong-password'
      const failure = await failureOf(sqlStepsOn(url.href, databases).query('SELECT 1 FROM dual'))
      expect(failure.message).toContain('refused the credential')
    })
  },
)
