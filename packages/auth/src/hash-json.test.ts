import { createHash } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { hashJson } from './hash-json.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

test('the example of RFC 8785 has the canonical form that the RFC gives', () => {
  const value = JSON.parse(String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`)
  const canonical = String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`
  expect(hashJson(value)).toBe(sha256(canonical))
})

test('names are ordered by their UTF-16 code units, as the RFC shows', () => {
  const names = ['€', '\r', '\ufb33', '1', '😀', '\u0080', 'ö']
  const ordered = ['\r', '1', '\u0080', 'ö', '€', '😀', '\ufb33']
  const value = Object.fromEntries(names.map((name) => [name, 0]))
  expect(hashJson(value)).toBe(sha256(`{${ordered.map((name) => `${JSON.stringify(name)}:0`).join(',')}}`))
})

test('a value that is nested without end is refused, not walked', () => {
  const deep = JSON.parse('['.repeat(5_000) + ']'.repeat(5_000))
  expect(() => hashJson(deep)).toThrow('nested too deeply')
})
