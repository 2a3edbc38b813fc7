import { expect, test } from '@jest/globals'
import { assertPlainJson } from './plain-json.ts'

test('ordinary JSON passes, also with names of prototypes', () => {
  for (const text of ['null', '1', '"é😀"', '{"__proto__":{"constructor":[1,"a"]}}'])
    expect(() => assertPlainJson(JSON.parse(text), 'body')).not.toThrow()
})

test.each([
  ['{"a":[{"b":"x\\u0000"}]}', 'body.a[0].b'],
  ['{"a":"\\ud800"}', 'body.a'],
  ['{"a":{"x\\u0000":1}}', 'body.a'],
])('%s is refused by the name of the field %s', (text, path) => {
  expect(() => assertPlainJson(JSON.parse(text), 'body')).toThrow(
    expect.objectContaining({
      code: 'validation_failed',
      errors: [expect.objectContaining({ path })],
    }),
  )
})

test('a body of 100,000 nested arrays is refused and overflows nothing', () => {
  const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))
  expect(() => assertPlainJson(deep, 'body')).toThrow(expect.objectContaining({ code: 'validation_failed' }))
})
