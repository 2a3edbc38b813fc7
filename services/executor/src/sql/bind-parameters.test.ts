import { expect, test } from '@jest/globals'
import { bindParameters, type Parameters } from './bind-parameters.ts'
import { dialects } from './dialects/index.ts'
import type { DialectName } from './parse-dsn.ts'

const bind = async (dialect: DialectName, sql: string, parameters: Parameters) =>
  bindParameters(await dialects[dialect](), sql, parameters)

test.each([
  ['postgres', 'SELECT $1, $2, $1', ['1', '2']],
  ['mysql', 'SELECT ?, ?, ?', ['1', '2', '1']],
  ['mssql', 'SELECT @p1, @p2, @p1', ['1', '2']],
  ['oracle', 'SELECT :1, :2, :3', ['1', '2', '1']],
  ['sqlite', 'SELECT ?1, ?2, ?1', ['1', '2']],
] as const)(
  '000.20 %s: each name becomes a parameter of the database, however often it stands',
  async (dialect, sql, values) => {
    expect(await bind(dialect, 'SELECT :a, :b, :a', { b: '2', a: '1' })).toEqual({ sql, values })
  },
)

test.each([
  ['postgres', "SELECT ':a'"],
  ['postgres', "SELECT 'it''s :a'"],
  ['postgres', "SELECT E'it\\'s :a'"],
  ['postgres', 'SELECT ":a"'],
  ['postgres', 'SELECT 1 -- :a'],
  ['postgres', 'SELECT /* :a */ 1'],
  ['postgres', 'SELECT /* /* */ :a */ 1'],
  ['postgres', 'SELECT $$:a$$'],
  ['postgres', 'SELECT $x$ :a $$ $x$'],
  ['postgres', "SELECT '1'::a"],
  ['postgres', "SELECT 'never closed :a"],
  ['mysql', "SELECT 'it\\'s :a'"],
  ['mysql', 'SELECT "it\\"s :a"'],
  ['mysql', 'SELECT `:a`'],
  ['mysql', 'SELECT 1 # :a'],
  ['mysql', 'SELECT 1 -- :a'],
  ['mssql', 'SELECT [:a]]:a]'],
  ['mssql', 'SELECT 1 /* /* */ :a */'],
  ['oracle', "SELECT q'[it's :a]' FROM dual"],
  ['oracle', "SELECT nq'!:a'!' FROM dual"],
  ['sqlite', 'SELECT [:a], `:a`'],
] as const)('%s: what only looks like a parameter is none: %s', async (dialect, sql) => {
  await expect(bind(dialect, sql, { a: 1 })).rejects.toThrow('has no parameter :a')
})

test('names that are not given stay, as the bounds of a slice', async () => {
  expect((await bind('postgres', 'SELECT list[1:n], :a', { a: 1 })).sql).toBe('SELECT list[1:n], $1')
  expect((await bind('postgres', 'SELECT :constructor', {})).sql).toBe('SELECT :constructor')
  expect((await bind('mysql', 'SELECT @x:=:a', { a: 1 })).sql).toBe('SELECT @x:=?')
  expect((await bind('mysql', 'SELECT 1--:a', { a: 1 })).sql).toBe('SELECT 1--?')
  expect((await bind('mysql', 'SELECT /*! :a */ 1', { a: 1 })).sql).toBe('SELECT /*! ? */ 1')
})

test('a NUL, at which some drivers end the text, is refused', async () => {
  await expect(bind('postgres', 'SELECT 1\0; DROP TABLE a', {})).rejects.toThrow('NUL')
})

test.each([
  ['mssql', [1, 1.5, true, '{"a":1}', null]],
  ['oracle', [1, 1.5, 1, '{"a":1}', null]],
  ['sqlite', [1n, 1.5, 1n, '{"a":1}', null]],
  ['postgres', [1, 1.5, true, '{"a":1}', null]],
] as const)('values go in as %s takes them', async (dialect, values) => {
  expect((await bind(dialect, 'SELECT', [1, 1.5, true, { a: 1 }, null])).values).toEqual(values)
})

test('bytes go in as results give them', async () => {
  const { values } = await bind('postgres', 'SELECT :a, :b', {
    a: { base64: 'AAE=' },
    b: { base64: 'AAE=', x: 1 },
  })
  expect(values).toEqual([Buffer.from([0, 1]), '{"base64":"AAE=","x":1}'])
})

test('a long text is taken apart in time that grows with its length only', async () => {
  const sql = `SELECT ${'$a$b'.repeat(20_000)} ${"'".repeat(9_999)}`
  expect((await bind('postgres', sql, {})).sql).toBe(sql)
})
