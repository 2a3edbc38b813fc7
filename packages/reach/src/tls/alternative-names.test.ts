import { expect, test } from '@jest/globals'
import { alternativeNamesOf } from './alternative-names.ts'

test.each<[string | undefined, string[]]>([
  [undefined, []],
  ['', []],
  ['DNS:a.example, IP Address:10.0.0.1, DNS:*.b.example', ['a.example', '10.0.0.1', '*.b.example']],
  ['IP Address:0:0:0:0:0:0:0:1', ['0:0:0:0:0:0:0:1']],
  ['email:me@example.com, URI:http://x/, DNS:a.example', ['a.example']],
  // CVE-2021-44532: one name that pretends to be two.
  ['DNS:"good.example\\u002c DNS:evil.example"', ['good.example, DNS:evil.example']],
  ['DNS:"a\\"b, DNS:c", DNS:d.example', ['a"b, DNS:c', 'd.example']],
])('%j holds %j', (text, names) => {
  expect(alternativeNamesOf(text)).toEqual(names)
})
