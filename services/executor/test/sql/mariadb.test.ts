import { expect, test } from '@jest/globals'
import { type MariaDb, mariadbIsMissing, startMariaDb } from '@opsconductor/test-peers'
import { describeDialect } from './dialect-suite.ts'
import { createDatabases, failureOf, type SqlSteps, sqlStepsOn } from './sql-steps.ts'

let server: MariaDb

describeDialect(
  {
    number: 'b',
    title: 'MariaDB',
    isMissing: mariadbIsMissing,
    async start() {
      server = await startMariaDb()
      return { dsn: server.urlOf('test'), close: server.close }
    },
    place: '?',
    rows: (count) => `SELECT seq AS n FROM seq_1_to_${count}`,
    slow: (mark) => `SELECT SLEEP(60) AS ${mark}`,
    async running(steps, mark) {
      const { rows } = await steps.query(
        'SELECT COUNT(*) AS n FROM information_schema.processlist WHERE info LIKE :mark AND id <> CONNECTION_ID()',
        { mark: `%${mark}%` },
      )
      return rows[0].n
    },
    isolation: 'serializable',
    quote: (name) => `\`${name}\``,
  },
  more,
)

function more(steps: () => SqlSteps): void {
  test('values come back exactly', async () => {
    const { rows } = await steps().query(
      `SELECT 9007199254740993 AS big, 18446744073709551615 AS bigger, 7 AS small, 1.10 AS exact, x'00ff' AS bytes,
         CAST('2026-01-02 03:04:05.678901' AS DATETIME(6)) AS local, DATE '2026-01-02' AS day, :text AS text, :bytes AS given,
         :n + 0 AS n, NULL AS none, 1.5e0 AS half`,
      { text: 'é😀', bytes: { base64: 'AP8=' }, n: 5 },
    )
    expect(rows).toEqual([
      {
        big: '9007199254740993',
        bigger: '18446744073709551615',
        small: 7,
        exact: '1.10',
        bytes: { base64: 'AP8=' },
        local: '2026-01-02 03:04:05.678901',
        day: '2026-01-02',
        text: 'é😀',
        given: { base64: 'AP8=' },
        n: 5,
        none: null,
        half: 1.5,
      },
    ])
  })

  test('the same values come back without parameters, over the plain protocol', async () => {
    await steps().script(
      "CREATE TABLE doc (id BIGINT PRIMARY KEY AUTO_INCREMENT, body JSON, at TIMESTAMP(6) NULL, amount DECIMAL(30,2)); INSERT INTO doc VALUES (9007199254740993, '{\"a\":[1]}', '2026-01-02 03:04:05.5', 12345678901234567890.12);",
    )
    const sql = 'SELECT * FROM doc'
    const row = {
      id: '9007199254740993',
      at: '2026-01-02 03:04:05.500000',
      amount: '12345678901234567890.12',
    }
    expect((await steps().query(sql)).rows).toEqual([{ ...row, body: { a: [1] } }])
    expect((await steps().query(`${sql} LIMIT :n`, { n: 1 })).rows).toEqual([{ ...row, body: { a: [1] } }])
    const { results } = await steps().execute("INSERT INTO doc (body) VALUES ('1')")
    expect(results[0]).toMatchObject({ affected_rows: 1, insert_id: '9007199254740994' })
  })

  test('000.18 after a definition, which MySQL commits, an error says what stays', async () => {
    const failure = await failureOf(
      steps().script(
        "INSERT INTO thing VALUES (70, 'x'); CREATE TABLE made (x INT); INSERT INTO nowhere VALUES (1)",
      ),
    )
    expect(failure.message).toContain(
      'what came before the definition in statement 2 stays, because MySQL commits there',
    )
  })

  test('000.15 DELIMITER, and a procedure that is called', async () => {
    await steps().script(
      'DELIMITER $$\nCREATE PROCEDURE both_things() BEGIN SELECT 1 AS a; SELECT 2 AS b; END$$\nDELIMITER ;\n',
    )
    const { results } = await steps().execute('CALL both_things()')
    expect(results[0].rows).toEqual([{ a: 1 }])
  })

  test('what a statement leaves in the session is gone for the next step', async () => {
    await steps().execute({
      statements: [{ sql: 'SET @mine = 1' }, { sql: "SET SESSION sql_mode = 'ANSI'" }],
    })
    const { rows } = await steps().query(
      "SELECT @mine AS mine, @@sql_mode LIKE '%ANSI%' AS ansi, 'é' AS text",
    )
    expect(rows).toEqual([{ mine: null, ansi: 0, text: 'é' }])
  })

  test.each([
    "SELECT 1 INTO OUTFILE '/tmp/opsconductor-out'",
    "SELECT 1 INTO/**/DUMPFILE '/tmp/opsconductor-out'",
    "SELECT 1 /*!50000 INTO OUTFILE '/tmp/opsconductor-out' */",
    "SELECT '\\' INTO OUTFILE '/tmp/x' -- '",
    "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE thing",
    '/*! DROP TABLE thing */',
    'SELECT 1; /*! DROP TABLE thing */',
    'CALL both_things()',
    'SET GLOBAL general_log = 1',
  ])('000.20 sql.query refuses %j', async (sql) => {
    expect(await failureOf(steps().query(sql))).toMatchObject({ code: 'step_failed' })
  })

  test('000.20 no file of ours is ever sent to a database that asks for it', async () => {
    const failure = await failureOf(steps().execute("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE thing"))
    expect(failure.code).toBe('step_failed')
    expect((await steps().query("SELECT COUNT(*) AS n FROM thing WHERE name LIKE '%root%'")).rows).toEqual([
      { n: 0 },
    ])
  })

  test('000.21 rows beyond 8 MiB are cut', async () => {
    const wide = await steps().query("SELECT REPEAT('x', 1000000) AS x FROM seq_1_to_100")
    expect([wide.row_count, wide.truncated_by]).toEqual([8, 'bytes'])
  })

  test.each([
    [
      'a wrong password',
      (url: URL) => Object.assign(url, { password: 'wrong-password' }),
      'refused the credential',
    ],
    ['an unknown database', (url: URL) => Object.assign(url, { pathname: '/nowhere' }), 'does not exist'],
    [
      'no TLS where it is asked for',
      (url: URL) => Object.assign(url, { search: '?sslmode=require' }),
      'does not speak TLS',
    ],
  ])('a login with %s says so', async (_, change, text) => {
    const url = new URL(server.urlOf('test'))
    change(url)
    const pools = createDatabases()
    const failure = await failureOf(sqlStepsOn(url.href, pools).query('SELECT 1'))
    expect(failure.message).toContain(text)
    expect(failure.message).not.toContain('wrong-password')
    await pools.close()
  })
}
