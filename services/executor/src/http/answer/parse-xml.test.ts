import { expect, test } from '@jest/globals'
import { buildXml } from '../body/build-xml.ts'
import { parseXml } from './parse-xml.ts'

test('XML comes back as it was built', () => {
  const value = { a: { '@x': '1"<&>\'', b: ['t', { '#text': ' u & <v> ', '@y': 'z' }], 'c:d': '' } }
  expect(parseXml(buildXml(value))).toEqual({
    a: { '@x': '1"<&>\'', b: ['t', { '#text': 'u & <v>', '@y': 'z' }], 'c:d': '' },
  })
})

const laughs = `<!DOCTYPE l [<!ENTITY a "ha">${Array.from({ length: 20 }, (_, i) => `<!ENTITY a${i} "&a;&a;&a;&a;">`).join('')}]><l>&a19;</l>`

test.each<[string, string, string]>([
  ['a billion laughs', laughs, 'step_failed'],
  ['an external entity', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', 'step_failed'],
  ['a DTD from elsewhere', '<!doctype a SYSTEM "http://169.254.169.254/"><a/>', 'step_failed'],
  ['an entity without a DOCTYPE', '<a><!ENTITY x "y"></a>', 'step_failed'],
  ['a DOCTYPE after a comment', '<!-- x --><!DOCTYPE a><a/>', 'step_failed'],
  ['depth', '<a>'.repeat(5_000) + '</a>'.repeat(5_000), 'target_answer_too_large'],
  ['a prototype', '<__proto__><x>1</x></__proto__>', 'step_failed'],
  ['a constructor', '<a><constructor>1</constructor></a>', 'step_failed'],
  ['what does not end', '<a><b></a>', 'step_failed'],
  ['CDATA that does not end', `<a>${'<![CDATA['.repeat(50_000)}</a>`, 'step_failed'],
  ['comments that do not end', `<a>${'<!--'.repeat(50_000)}</a>`, 'step_failed'],
  ['size', `<a>${'x'.repeat(3_000_000)}</a>`, 'target_answer_too_large'],
  ['nothing but text', 'hello', 'step_failed'],
])('XML with %s is refused', (_, text, code) => {
  let error: unknown
  try {
    parseXml(text)
  } catch (thrown) {
    error = thrown
  }
  expect(error).toMatchObject({ code })
  expect(({} as Record<string, unknown>).x).toBeUndefined()
})

test('a DOCTYPE within CDATA or a comment is text', () => {
  expect(parseXml('<a><![CDATA[<!DOCTYPE x>]]><!-- <!ENTITY y> --></a>')).toEqual({ a: '<!DOCTYPE x>' })
})

test('references to entities that nobody declared stay as they are', () => {
  expect(parseXml('<a>&x; &#65; &amp;#65;</a>')).toEqual({ a: '&x; A &#65;' })
})

test.each<[string, Record<string, unknown>]>([
  ['a name that would end its element', { 'a><b': 1 }],
  ['an attribute that would be two', { a: { '@x y': 1 } }],
  ['two roots', { a: 1, b: 2 }],
  ['a list of roots', { a: [1, 2] }],
  ['no root', {}],
  ['an attribute that is an object', { a: { '@x': {} } }],
  ['a character that XML cannot hold', { a: '\0' }],
  ['half a character', { a: '\ud800' }],
  ['a declaration', { '?xml': { '@version': '1.0' } }],
  ['depth', { a: Array.from({ length: 60 }).reduce<unknown>((inner) => ({ a: inner }), 1) }],
])('%s is not built', (_, value) => {
  expect(() => buildXml(value)).toThrow(/^input\.xml must/)
})
