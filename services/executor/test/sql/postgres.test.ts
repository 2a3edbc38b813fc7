import { afterAll, describe, expect, test } from '@jest/globals'
import { createTestDatabase } from '@opsconductor/test-peers'
import { describeDialect } from './dialect-suite.ts'
import { createDatabases, failureOf, type SqlSteps, sqlStepsOn } from './sql-steps.ts'

let database: Awaited<ReturnType<typeof createTestDatabase>>

describeDialect(
  {
    number: 'a',
    title: 'PostgreSQL',
    async start() {
      database = await createTestDatabase()
      return { dsn: database.ownerUrl, close: () => database.drop() }
    },
    place: '$1',
    rows: (count) => `SELECT generate_series(1, ${count}) AS n`,
    slow: (mark) => `SELECT pg_sleep(60) AS ${mark}`,
    async running(steps, mark) {
      const { rows } = await steps.query(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE :mark AND pid <> pg_backend_pid()",
        { mark: `%${mark}%` },
      )
      return rows[0].n
    },
    isolation: 'serializable',
    quote: (name) => `"${name}"`,
  },
  more,
)

function more(steps: () => SqlSteps): void {
  test('values come back exactly', async () => {
    const { rows } = await steps().query(
      `SELECT 9007199254740993::bigint AS big, 7::bigint AS small, '{1,9007199254740993}'::bigint[] AS bigs,
         1.10::numeric AS exact, '{0.1,12345678901234567890.1}'::numeric[] AS exacts, 'NaN'::float8 AS nan,
         '{1.5,Infinity}'::float8[] AS floats, '\\x00ff'::bytea AS bytes, ARRAY['\\x01'::bytea] AS many,
         timestamptz '2026-01-02 03:04:05.678901+02' AT TIME ZONE 'UTC' AS local,
         timestamptz '2026-01-02 03:04:05.678901+00' AS instant, ARRAY[date '2026-01-02'] AS days,
         'infinity'::timestamptz AS never, interval '1 month 2 hours' AS span, point '(1,2)' AS point,
         '{"id":12345678901234567890,"x":0.1,"big":1e400}'::jsonb AS json, :bytes::bytea AS given, ARRAY['a', NULL] AS texts`,
      { bytes: { base64: 'AP8=' } },
    )
    expect(rows).toEqual([
      {
        big: '9007199254740993',
        small: 7,
        bigs: [1, '9007199254740993'],
        exact: '1.10',
        exacts: ['0.1', '12345678901234567890.1'],
        nan: 'NaN',
        floats: [1.5, 'Infinity'],
        bytes: { base64: 'AP8=' },
        many: [{ base64: 'AQ==' }],
        local: '2026-01-02 01:04:05.678901',
        instant: expect.stringMatching(/^2026-01-02T03:04:05\.678901(Z|\+00:00)$/),
        days: ['2026-01-02'],
        never: 'infinity',
        span: '1 mon 02:00:00',
        point: '(1,2)',
        json: { id: '12345678901234567890', x: 0.1, big: expect.stringMatching(/^10{400}$/) },
        given: { base64: 'AP8=' },
        texts: ['a', null],
      },
    ])
  })

  test('000.14 RETURNING gives the rows that were changed', async () => {
    const sql =
      "INSERT INTO thing SELECT n, 'x' FROM generate_series(:from::int, :from + 49) AS n RETURNING id"
    const whole = await steps().execute({ sql, parameters: { from: 1000 } })
    expect([whole.affected_rows, whole.results[0].row_count, whole.results[0].rows[49]]).toEqual([
      50,
      50,
      { id: 1049 },
    ])
    const cut = await steps().execute({ sql, parameters: { from: 1100 }, rows_max: 20 })
    expect([cut.affected_rows, cut.results[0].row_count, cut.results[0].truncated_by]).toEqual([
      50,
      20,
      'rows',
    ])
  })

  test('000.18 a conflict of serializable transactions is one that may be tried again', async () => {
    await steps().execute("INSERT INTO thing VALUES (2000, '0')")
    const change = () =>
      steps().execute({
        statements: [
          { sql: 'SELECT name FROM thing WHERE id = 2000' },
          { sql: 'SELECT pg_sleep(0.2)' },
          { sql: "UPDATE thing SET name = name || '1' WHERE id = 2000" },
        ],
        isolation: 'repeatable read',
      })
    const [first, second] = await Promise.allSettled([change(), change()])
    const lost = [first, second].find(({ status }) => status === 'rejected') as PromiseRejectedResult
    expect(lost.reason).toMatchObject({ code: 'target_failed', retryable: true })
  })

  test('a statement that no transaction takes runs without one', async () => {
    expect((await failureOf(steps().execute('VACUUM thing'))).message).toContain('cannot run inside')
    await steps().execute({ sql: 'VACUUM thing', transaction: false })
    const failure = await failureOf(
      steps().script('CREATE TABLE kept (x int); SELECT 1/0; CREATE TABLE never (x int)', {
        transaction: false,
      }),
    )
    expect(failure.message).toContain('Statement 2 of 3: ')
    expect(failure.message).toContain('those before it took effect')
    expect((await steps().query('SELECT count(*) AS n FROM kept')).rows).toEqual([{ n: 0 }])
  })

  test('what a statement leaves in the session is gone for the next step', async () => {
    await steps().execute({
      statements: [{ sql: "SET application_name = 'mine'" }, { sql: 'CREATE TEMP TABLE mine (x int)' }],
    })
    const { rows } = await steps().query(
      "SELECT current_setting('application_name') AS name, to_regclass('mine') AS mine",
    )
    expect(rows).toEqual([{ name: 'opsconductor-step', mine: null }])
  })

  test.each([
    ['COPY thing TO STDOUT', /begins with SELECT/],
    ["COPY (SELECT 1) TO PROGRAM 'touch /tmp/opsconductor-was-here'", /begins with SELECT/],
    ['WITH x AS (DELETE FROM thing RETURNING 1) SELECT 1 FROM x', /read-only|only reads/],
    ["SELECT set_config('transaction_read_only', 'off', true)", /read-write/],
    ['SELECT * INTO copy FROM thing', /only reads/],
    ['EXPLAIN ANALYZE DELETE FROM thing', /only reads/],
    ['SELECT 1\0; DROP TABLE thing', /NUL/],
    ['SELECT :a::text', /syntax error/],
  ])('000.20 sql.query refuses %j', async (sql, text) => {
    const { code, message } = await failureOf(steps().query(sql))
    expect(['step_failed', 'validation_failed']).toContain(code)
    expect(message).toMatch(text)
  })

  test.each(['COPY thing FROM STDIN', 'COPY thing TO STDOUT'])(
    '%s, which needs a client, ends and harms nobody',
    async (sql) => {
      const outcome = await steps()
        .execute(sql)
        .then(
          () => 'done',
          ({ code }: { code: string }) => code,
        )
      expect(['done', 'step_failed']).toContain(outcome)
      expect((await steps().query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
    },
  )

  test('000.21 a row larger than everything that fits is refused, and the memory stays', async () => {
    const failure = await failureOf(steps().query("SELECT repeat('x', 200000000) AS x"))
    expect(failure.code).toBe('target_answer_too_large')
    const wide = await steps().query("SELECT repeat('x', 1000000) AS x FROM generate_series(1, 100)")
    expect(wide).toMatchObject({ truncated: true, truncated_by: 'bytes' })
    expect(wide.row_count).toBe(8)
  })

  test('000.21 rows that become large behind thousands of small ones are read', async () => {
    const sql =
      "SELECT repeat('x', CASE WHEN n > 6168 THEN 10000 ELSE 1 END) AS x FROM generate_series(1, 12000) n"
    const { row_count, truncated_by } = await steps().query(sql, [], { rows_max: 12_000 })
    expect([row_count > 6168, truncated_by]).toEqual([true, 'bytes'])
  })

  test('000.21 the rows of all statements of a step are held against one limit', async () => {
    const sql = "SELECT repeat('x', 1000000) AS x FROM generate_series(1, 6)"
    const { results } = await steps().execute({ statements: [{ sql }, { sql }] })
    expect(results).toMatchObject([
      { row_count: 6, truncated: false },
      { row_count: 2, truncated_by: 'bytes' },
    ])
  })

  test('000.21 columns beyond the limit are left out and said to be', async () => {
    const many = Array.from({ length: 600 }, (_, n) => `${n} AS c${n}`).join(', ')
    const { rows, truncated_by } = await steps().query(`SELECT ${many}`)
    expect([Object.keys(rows[0]).length, truncated_by]).toEqual([500, 'columns'])
  })

  test('000.17 a changed password never uses a connection made with the old one', async () => {
    const url = new URL(database.ownerUrl)
    const role = `pool_${Math.random().toString(36).slice(2, 10)}`
    await steps().execute(`CREATE ROLE ${role} LOGIN PASSWORD 'first'`)
    try {
      url.username = role
      url.password = 'first'
      const pools = createDatabases()
      const connections = async () =>
        (await steps().query('SELECT count(*) AS n FROM pg_stat_activity WHERE usename = :role', { role }))
          .rows[0].n
      await sqlStepsOn(url.href, pools).query('SELECT 1')
      url.password = 'second'
      expect((await failureOf(sqlStepsOn(url.href, pools).query('SELECT 1'))).message).toContain(
        'refused the credential',
      )
      const own = sqlStepsOn(new URL(url.href.replace('second', 'first')).href, pools)
      for (let n = 0; n < 5; n++) await own.query('SELECT 1')
      expect(await connections()).toBe(2)
      await pools.close()
    } finally {
      await steps().execute(`DROP ROLE ${role}`)
    }
  })

  describe('what is refused before a connection', () => {
    const pools = createDatabases()
    afterAll(() => pools.close())

    test('an address that the policy does not open', async () => {
      const closed = sqlStepsOn(database.ownerUrl, pools, { policy: { allow: [] } })
      expect(await failureOf(closed.query('SELECT 1'))).toMatchObject({ code: 'outbound_denied' })
    })

    test('a name that resolves to another address the second time is not asked twice', async () => {
      const url = new URL(database.ownerUrl)
      url.hostname = 'db.example.com'
      let asked = 0
      const rebinding = sqlStepsOn(url.href, pools, {
        policy: { allow: [{ cidr: '127.0.0.1', ports: [Number(url.port)] }] },
        resolve: async () => [{ address: asked++ === 0 ? '127.0.0.1' : '169.254.169.254', family: 4 }],
      })
      expect((await rebinding.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
      expect(asked).toBe(1)
    })

    test('a host that the credential may not be sent to, also where a connection is open', async () => {
      const limited = sqlStepsOn(database.ownerUrl, pools, { limitsHosts: [['other.example.com']] })
      expect(await failureOf(limited.query('SELECT 1'))).toMatchObject({ code: 'outbound_denied' })
    })
  })
}
