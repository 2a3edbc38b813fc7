import { expect, test } from '@jest/globals'
import { assertConditions, Conditions } from './conditions.ts'
import { JsonPath, selectValues } from './json-path.ts'

test('a condition must be a JSONPath, or one with a test', () => {
  for (const good of ['$', '$.a[?@.b > 1]', { path: '$.a', equals: null }, { path: '$..a', count_max: 0 }])
    expect(Conditions.safeParse([good]).success).toBe(true)
  for (const bad of [
    'a.b',
    '$.[',
    '',
    '$[?match(@.a)]',
    { path: '$.a' },
    { path: '$', is: 1 },
    `$${'.a'.repeat(300)}`,
  ])
    expect([bad, Conditions.safeParse([bad]).success]).toEqual([bad, false])
})

test('only own members are found: nothing that a prototype holds', () => {
  for (const path of ['$.__proto__', "$['constructor']", '$.a.toString', '$.list.length', '$..__proto__'])
    expect(selectValues(path, { a: {}, list: [1] })).toEqual([])
})

test.each<[string, string, unknown]>([
  ['a pattern that backtracks for ever', '$[?search(@, "^(a+)+$")]', [`${'a'.repeat(60)}b`]],
  ['descents within descents', '$..[?@..[?@..[?@..*]]]', deep(40, 12)],
])('%s ends as a refusal', (_, path, document) => {
  expect(JsonPath.safeParse(path).success).toBe(true)
  expect(() => assertConditions([path], document)).toThrow(/take too long|cannot be applied/)
})

test('a body that is no document meets no condition', () => {
  for (const body of [null, 'text', 1])
    expect(() => assertConditions(['$.a'], body)).toThrow('expect[0]: $.a finds nothing')
})

function deep(depth: number, width: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++)
    value = Object.fromEntries(Array.from({ length: width }, (_, j) => [`k${j}`, j === 0 ? value : j]))
  return value
}
