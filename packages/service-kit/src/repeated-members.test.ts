import { expect, test } from '@jest/globals'
import { assertPlainJson } from './plain-json.ts'
import { assertNoRepeatedMembers } from './repeated-members.ts'

const check = (text: string) =>
  assertNoRepeatedMembers(Buffer.from(text), assertPlainJson(JSON.parse(text), 'body'))

test.each([
  ['{"a":1,"a":2}', 'body.a'],
  ['{"a":1,"\\u0061":1}', 'body.a'],
  ['{"secret":{"password":"x","password":"y"}}', 'body.secret.password'],
  ['[{"a":[]},[],{"a":{"b":{},"c":"}","b":null}}]', 'body[2].a.b'],
  ['{"a":{"x":1},"b":{"x":1},"b":3}', 'body.b'],
  ['{"__proto__":1,"__proto__":2}', 'body.__proto__'],
  ['{"":1,"":2}', 'body.'],
  ['{"a\\"":":","a\\"":1}', 'body.a"'],
])('%s is refused by the name of the field %s', (text, path) => {
  expect(() => check(text)).toThrow(
    expect.objectContaining({ code: 'invalid_request', errors: [{ path, message: 'is given twice' }] }),
  )
})

test.each([
  '1',
  '":"',
  '{}',
  '{"a":":::\\":","b":[{"a":1},{"a":1}],"c":{"a":{"a":1}}}',
  ' { "é:" : "😀\\\\" , "é" : "\\\\\\"" } ',
])('%s, which names each field once, passes', (text) => {
  expect(() => check(text)).not.toThrow()
})

test('escapes, long strings and deep nesting on the way to it hide nothing', () => {
  const noise = JSON.stringify({ a: '\\"{[:,]}\\\\'.repeat(500), b: [[[{ ':': ':' }]]], c: 'é😀\u0001' })
  expect(() => check(`[${noise},{"x":${noise},"y":${noise}}]`)).not.toThrow()
  expect(() => check(`[${noise},{"x":${noise},"y":1,"x":${noise}}]`)).toThrow('body[1].x is given twice')
})
