import { expect, test } from '@jest/globals'
import { bindNamed } from './named-parameters.ts'

test('000.20 each name becomes one numbered parameter, however often it stands', () => {
  expect(bindNamed('SELECT :a, :b, :a', { b: 2, a: 1 })).toEqual({
    sql: 'SELECT $1, $2, $1',
    values: [1, 2],
    unused: [],
  })
})

test.each([
  "SELECT ':a'",
  "SELECT 'it''s :a'",
  'SELECT ":a"',
  'SELECT 1 -- :a',
  'SELECT /* :a */ 1',
  'SELECT $$:a$$',
  'SELECT $x$ :a $$ $x$',
  "SELECT '1'::a",
])('what only looks like a parameter stays: %s', (sql) => {
  expect(bindNamed(sql, { a: 1 })).toEqual({ sql, values: [], unused: ['a'] })
})

test('names that are not given stay, as the bounds of a slice', () => {
  expect(bindNamed('SELECT list[1:n], :a', { a: 1 }).sql).toBe('SELECT list[1:n], $1')
  expect(bindNamed('SELECT :constructor', {}).sql).toBe('SELECT :constructor')
})
