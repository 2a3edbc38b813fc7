import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { AppError } from '@opsconductor/errors'
import { createDatabases, failureOf, type SqlSteps, sqlStepsOn, until } from './sql-steps.ts'

/** What a dialect writes differently. */
export interface DialectCase {
  /** Of requirement 000.16. */
  number: string
  title: string
  /** Where `npm test` could not have it and said so. */
  isMissing?(): boolean
  start(): Promise<{ dsn: string; sqliteDirectory?: string; close(): Promise<void> }>
  /** The place of a positional parameter. */
  place: string
  /** A query of this many rows with a column `n` from 1. */
  rows(count: number): string
  /** A statement that takes a minute, with a mark in its text. */
  slow(mark: string): string
  /** How many statements with the mark run on the server. */
  running(steps: SqlSteps, mark: string): Promise<number>
  isolation: string
  /** A name as the database quotes it. */
  quote(name: string): string
}

/** What every database must do, on a real server. */
export function describeDialect(one: DialectCase, more: (steps: () => SqlSteps) => void): void {
  const place = one.isMissing?.() ? describe.skip : describe
  place(`000.16${one.number} ${one.title}`, () => {
    let server: Awaited<ReturnType<DialectCase['start']>>
    let databases: ReturnType<typeof createDatabases>
    let steps: SqlSteps
    beforeAll(async () => {
      server = await one.start()
      databases = createDatabases({ sqliteDirectory: server.sqliteDirectory })
      steps = sqlStepsOn(server.dsn, databases)
      await steps.script('CREATE TABLE thing (id INTEGER PRIMARY KEY, name VARCHAR(200));')
    }, 60_000)
    afterAll(async () => {
      await databases?.close()
      await server?.close()
    })

    test('000.13 a query takes parameters by name and by place', async () => {
      await steps.execute("INSERT INTO thing VALUES (1, 'one'), (2, 'two')")
      const named = await steps.query('SELECT name FROM thing WHERE id = :id AND :id > 0', { id: 2 })
      expect(named).toEqual({ rows: [{ name: 'two' }], row_count: 1, truncated: false })
      const placed = await steps.query(`SELECT name FROM thing WHERE id = ${one.place}`, [1])
      expect(placed.rows).toEqual([{ name: 'one' }])
    })

    test('000.20 an injection is a text like any other', async () => {
      const evil = "x'; DROP TABLE thing; --\\"
      await steps.execute({ sql: 'INSERT INTO thing VALUES (:id, :evil)', parameters: { id: 3, evil } })
      expect((await steps.query('SELECT id FROM thing WHERE name = :evil', { evil })).rows).toEqual([
        { id: 3 },
      ])
    })

    test('000.14 a change says how many rows it changed', async () => {
      await steps.execute("INSERT INTO thing VALUES (10, 'ten'), (11, 'eleven')")
      const { affected_rows, results } = await steps.execute(
        "UPDATE thing SET name = 'x' WHERE id IN (10, 11)",
      )
      expect([affected_rows, results[0].affected_rows, results[0].rows]).toEqual([2, 2, []])
    })

    test('000.18 of several statements all take effect or none', async () => {
      const insert = (id: number) => ({ sql: "INSERT INTO thing VALUES (:id, 'x')", parameters: { id } })
      const count = async () =>
        (await steps.query('SELECT COUNT(*) AS n FROM thing WHERE id IN (20, 21)')).rows[0].n
      const failure = await failureOf(steps.execute({ statements: [insert(20), insert(21), insert(20)] }))
      expect(failure.code).toBe('step_failed')
      expect(failure.message).toMatch(/^Statement 3 of 3: .*; nothing was changed\.$/)
      expect(await count()).toBe(0)
      const { isolation } = one
      expect((await steps.execute({ statements: [insert(20), insert(21)], isolation })).affected_rows).toBe(2)
      expect(await count()).toBe(2)
      expect(
        await failureOf(steps.execute({ statements: [insert(30)], isolation: 'snapshot' })),
      ).toMatchObject({
        message: expect.stringContaining('has no isolation level "snapshot"'),
      })
    })

    test('000.15 a script runs as a whole or not at all', async () => {
      const script = `-- makes; things\nINSERT INTO thing VALUES (40, 'a;b'); /* ; */ INSERT INTO thing VALUES (41, ';''');\n`
      expect(await steps.script(script)).toEqual({ statements: 2, affected_rows: 2 })
      const failure = await failureOf(
        steps.script("INSERT INTO thing VALUES (42, 'c'); INSERT INTO nowhere VALUES (1);"),
      )
      expect(failure.message).toMatch(/^Statement 2 of 2: .*nothing was changed\.$/)
      const { rows } = await steps.query('SELECT name FROM thing WHERE id BETWEEN 40 AND 49 ORDER BY id')
      expect(rows).toEqual([{ name: 'a;b' }, { name: ";'" }])
    })

    test('000.13 more rows than the limit are cut and said to be', async () => {
      expect(await steps.query(one.rows(5), [], { rows_max: 3 })).toEqual({
        rows: [{ n: 1 }, { n: 2 }, { n: 3 }],
        row_count: 3,
        truncated: true,
        truncated_by: 'rows',
      })
      expect(await steps.query(one.rows(3), [], { rows_max: 3 })).toMatchObject({
        row_count: 3,
        truncated: false,
      })
    })

    test('a long answer is cut without being read to its end', async () => {
      const cut = await steps.query(one.rows(100_000_000), [], { rows_max: 5000 })
      expect([cut.row_count, cut.truncated, cut.rows.at(-1)]).toEqual([5000, true, { n: 5000 }])
    })

    test('columns of one name lose no value, and one called __proto__ stays a value', async () => {
      const sql = `SELECT 1 AS a, 2 AS a, 3 AS a_2, 4 AS ${one.quote('__proto__')}`
      expect((await steps.query(sql)).rows).toEqual([{ a: 1, a_3: 2, a_2: 3, column_4: 4 }])
    })

    test.each([
      ['an insert', "INSERT INTO thing VALUES (99, 'x')"],
      ['a drop', 'DROP TABLE thing'],
      ['a stacked statement', 'SELECT 1; DROP TABLE thing'],
      ['a stacked statement behind a comment', 'SELECT 1 /* ; */; DROP TABLE thing'],
      ['a commit', 'COMMIT'],
      ['a stacked commit', 'SELECT 1; COMMIT; DROP TABLE thing'],
      ['a comment before a drop', '/* SELECT */ DROP TABLE thing'],
      ['nothing', ' -- SELECT'],
    ])('000.20 sql.query refuses %s', async (_, sql) => {
      expect(await failureOf(steps.query(sql))).toMatchObject({ code: 'step_failed' })
      expect((await steps.query('SELECT COUNT(*) AS n FROM thing WHERE id = 99')).rows).toEqual([{ n: 0 }])
    })

    test.each(['COMMIT', ' /* x */ ROLLBACK', 'SAVEPOINT a'])(
      '000.18 a statement cannot end the transaction of the step: %s',
      async (sql) => {
        const failure = await failureOf(
          steps.execute({ statements: [{ sql: "INSERT INTO thing VALUES (98, 'x')" }, { sql }] }),
        )
        expect(failure.message).toContain('one transaction around all of them')
        expect((await steps.query('SELECT COUNT(*) AS n FROM thing WHERE id = 98')).rows).toEqual([{ n: 0 }])
      },
    )

    test.each(['sql.query', 'sql.execute'])(
      '000.21 %s that is stopped ends at once and leaves nothing running on the server',
      async (type) => {
        const mark = `stopped_${type.replace('.', '_')}`
        const stop = new AbortController()
        const options = { signal: stop.signal }
        const run =
          type === 'sql.query'
            ? steps.query(one.slow(mark), [], options)
            : steps.execute(one.slow(mark), options)
        const failure = failureOf(run)
        await until(async () => (await one.running(steps, mark)) === 1)
        stop.abort(new AppError('step_timeout', 'The step took too long.'))
        expect(await failure).toEqual({ code: 'step_timeout', message: 'The step took too long.' })
        await until(async () => (await one.running(steps, mark)) === 0)
        expect((await steps.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
      },
    )

    test('000.17 many queries at once share the connections of a pool', async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, id) => steps.query('SELECT :id + 0 AS n', { id })),
      )
      expect(answers.map(({ rows }) => Number(rows[0].n))).toEqual(Array.from({ length: 20 }, (_, id) => id))
    })

    test('a wrong statement says what is wrong with it', async () => {
      expect(await failureOf(steps.query('SELECT * FROM nowhere'))).toMatchObject({
        code: 'step_failed',
        message: expect.stringMatching(/nowhere/i),
      })
    })

    more(() => steps)
  })
}
