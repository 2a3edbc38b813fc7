import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ConfigFault, parseConfig } from './parse-config.ts'

const words = (text: string) => parseConfig(text).map(({ name, args }) => [name, ...args])

test('directives, blocks and comments are read as NGINX reads them', () => {
  expect(parseConfig('# a { comment\nuser  www;\nhttp {\n  server { listen 80; } # end\n}\n')).toEqual([
    { name: 'user', args: ['www'], line: 2 },
    {
      name: 'http',
      args: [],
      line: 3,
      block: [{ name: 'server', args: [], line: 4, block: [{ name: 'listen', args: ['80'], line: 4 }] }],
    },
  ])
})

test.each<[string, string, string[]]>([
  ['quotes keep spaces, semicolons and braces', `a "b; c { }" 'd # e';`, ['a', 'b; c { }', 'd # e']],
  ['quotes are escaped inside', String.raw`a "b\"c" 'd\'e' f\\g;`, ['a', 'b"c', "d'e", 'f\\g']],
  ['the other quote is a letter', `a "it's" 'say "x"';`, ['a', "it's", 'say "x"']],
  ['a quote inside a word is a letter', `a b"c;`, ['a', 'b"c']],
  ['a hash inside a word is a letter', 'a b#c;', ['a', 'b#c']],
  ['a closing brace inside a word is a letter', 'a x}y;', ['a', 'x}y']],
  ['a dollar takes every brace after it', `a \${{{ b;`, ['a', `\${{{`, 'b']],
  ['a variable in braces is part of its word', `set $x \${host}y;`, ['set', '$x', `\${host}y`]],
  [
    'a backslash keeps a semicolon and a brace',
    String.raw`a b\;c d\{e;`,
    ['a', String.raw`b\;c`, String.raw`d\{e`],
  ],
  ['escapes of letters', String.raw`a "b\tc\nd\re\qf";`, ['a', 'b\tc\nd\re\\qf']],
  ['a string may hold lines', 'a "b\nc";', ['a', 'b\nc']],
  ['a bracket may follow a string', 'if ($a = "b") ;', ['if', '($a', '=', 'b', ')']],
])('%s', (_, text, expected) => {
  expect(words(text)).toEqual([expected])
})

test.each([
  ['a {', 'unexpected end of file, expecting "}" in line 1'],
  ['a', 'unexpected end of file, expecting ";" in line 1'],
  ['\na "b', 'unexpected end of file, expecting " in line 2'],
  [';', 'unexpected ";" in line 1'],
  ['{ }', 'unexpected "{" in line 1'],
  ['a; }', 'unexpected "}" in line 1'],
  ['s { a }', 'unexpected "}" in line 1'],
  ['a "b"c;', 'unexpected "c" after a quoted string in line 1'],
  ['a { '.repeat(60), 'blocks are nested more than 50 levels deep in line 1'],
  ['a;'.repeat(100_001), 'there are more than 100000 directives in line 1'],
  [`a ${'b '.repeat(5_001)};`, 'a directive has more than 5000 arguments in line 1'],
])('what NGINX refuses is refused with its line (%#)', (text, message) => {
  expect(() => parseConfig(text)).toThrow(
    new ConfigFault(message.replace(/ in line \d+$/, ''), Number(/\d+$/.exec(message)?.[0])),
  )
})

test('lines are counted over comments, strings and blocks', () => {
  const [, second] = parseConfig('a "x\ny"\n  b; # c\n\nd;')
  expect(second).toEqual({ name: 'd', args: [], line: 5 })
})

test('any text is read, or refused with its line', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b ', ' ', ';', '{', '}', '"', "'", '\\', '$', '#', '\n', '\r', '${', '\0'))
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.oneof(text, fc.string({ unit: 'binary' })), (config) => {
      try {
        parseConfig(config)
      } catch (error) {
        expect(error).toBeInstanceOf(ConfigFault)
      }
    }),
    { numRuns: 500 },
  )
})
