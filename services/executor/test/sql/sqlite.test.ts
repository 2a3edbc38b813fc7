import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { describeDialect } from './dialect-suite.ts'
import { createDatabases, failureOf, type SqlSteps, sqlStepsOn } from './sql-steps.ts'

const endless = 'WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c'
let directory = ''

describeDialect(
  {
    number: 'e',
    title: 'SQLite',
    async start() {
      directory = mkdtempSync(join(tmpdir(), 'sqlite-'))
      return {
        dsn: 'sqlite:///main.db',
        sqliteDirectory: directory,
        close: async () => rmSync(directory, { recursive: true }),
      }
    },
    place: '?',
    rows: (count) => `${endless} LIMIT ${count}) SELECT n FROM c`,
    slow: (mark) => `${endless}) SELECT COUNT(*) AS ${mark} FROM c`,
    running: async () => computingChildren(),
    isolation: 'serializable',
    quote: (name) => `"${name}"`,
  },
  more,
)

function computingChildren(): number {
  const processes = execFileSync('ps', ['-axo', 'ppid=,stat=,command='], { encoding: 'utf8' }).split('\n')
  const computing = new RegExp(`^\\s*${process.pid}\\s+R.*sqlite-child`)
  return processes.filter((line) => computing.test(line)).length
}

function more(steps: () => SqlSteps): void {
  test('values come back exactly', async () => {
    const { rows } = await steps().query(
      "SELECT 9007199254740993 AS big, 3 AS small, 0.5 AS half, x'00ff' AS bytes, :bytes AS given, NULL AS none, 9e999 AS inf",
      { bytes: { base64: 'AP8=' } },
    )
    expect(rows).toEqual([
      {
        big: '9007199254740993',
        small: 3,
        half: 0.5,
        bytes: { base64: 'AP8=' },
        given: { base64: 'AP8=' },
        none: null,
        inf: 'Infinity',
      },
    ])
  })

  test('RETURNING, the new key, and a trigger whose body holds semicolons', async () => {
    await steps().script(
      'CREATE TABLE log (what TEXT); CREATE TRIGGER t AFTER INSERT ON thing BEGIN INSERT INTO log SELECT CASE WHEN NEW.id > 0 THEN NEW.name END; INSERT INTO log VALUES (1); END; DELETE FROM log;',
    )
    const { results } = await steps().execute("INSERT INTO thing VALUES (500, 'x') RETURNING id, name")
    expect(results[0]).toMatchObject({ affected_rows: 1, insert_id: 500, rows: [{ id: 500, name: 'x' }] })
    expect((await steps().query('SELECT what FROM log')).rows).toEqual([{ what: 'x' }, { what: '1' }])
    await steps().execute('DROP TRIGGER t')
  })

  test.each([
    "ATTACH DATABASE '/etc/passwd' AS x",
    "ATTACH DATABASE ':memory:' AS x",
    "VACUUM INTO '/tmp/copy.db'",
    'PRAGMA journal_mode = WAL',
    "PRAGMA temp_store_directory = '/etc'",
    'PRAGMA hard_heap_limit = 0',
    'PRAGMA max_page_count = 999999999',
    'PRAGMA database_list',
    'PRAGMA query_only = OFF',
    "SELECT load_extension('/tmp/x.so')",
    "INSERT INTO sqlite_master VALUES ('table', 'x', 'x', 2, 'x')",
    "SELECT writefile('/tmp/x', 'x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT printf('%.*c', 100000000, 'x')",
    'SELECT zeroblob(1000000000)',
  ])('a statement reaches no other file and no limit of ours: %s', async (sql) => {
    for (const transaction of [true, false])
      expect(await failureOf(steps().execute({ sql, transaction }))).toMatchObject({ code: 'step_failed' })
  })

  test('two statements in one text are refused, not cut', async () => {
    expect((await failureOf(steps().execute('DELETE FROM thing WHERE id = 0; SELECT 1'))).message).toContain(
      'sql.script',
    )
  })

  test('what a statement leaves in the session is gone for the next step', async () => {
    await steps().execute({
      statements: [{ sql: 'CREATE TEMP TABLE mine (x)' }, { sql: 'INSERT INTO mine VALUES (1)' }],
    })
    expect((await failureOf(steps().query('SELECT * FROM mine'))).message).toContain('no such table')
  })

  test('each project has its own files', async () => {
    expect(readdirSync(directory)).toHaveLength(1)
    const others = sqlStepsOn('sqlite:///main.db', createDatabases({ sqliteDirectory: directory }))
    expect((await failureOf(others.query('SELECT * FROM thing'))).message).toContain('no such table')
    expect(readdirSync(directory)).toHaveLength(2)
  })

  test('without a directory for them there is no SQLite', async () => {
    const nowhere = sqlStepsOn('sqlite:///main.db', createDatabases())
    expect((await failureOf(nowhere.query('SELECT 1'))).message).toContain('SQLITE_DIRECTORY')
  })

  test.each(['/etc/passwd', '../main.db', '..%2fmain.db', 'main.db-journal', 'main', '.db', 'a/b.db'])(
    'a DSN names a file and no path: %s',
    async (path) => {
      const steps = sqlStepsOn(`sqlite:///${path}`, createDatabases({ sqliteDirectory: directory }))
      expect((await failureOf(steps.query('SELECT 1'))).message).toContain('must name an SQLite file')
    },
  )
}
