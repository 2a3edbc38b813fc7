import { expect, test } from '@jest/globals'
import { baseModules } from './base-modules.ts'
import { linkModules } from './link-modules.ts'
import { parseModule } from './parse-module.ts'

const module = (body: string, name = 'ACME-MIB') => `${name} DEFINITIONS ::= BEGIN\n${body}\nEND\n`
const link = (...texts: string[]) => linkModules([...baseModules(), ...texts.map(parseModule)])

const acme = module(`
IMPORTS MODULE-IDENTITY, OBJECT-TYPE, Integer32, enterprises FROM SNMPv2-SMI
        TEXTUAL-CONVENTION, DisplayString, TruthValue FROM SNMPv2-TC;
acme MODULE-IDENTITY -- a comment with "quotes" and ::= END
  LAST-UPDATED "202601010000Z" ORGANIZATION "x -- no comment" CONTACT-INFO "END" DESCRIPTION "::= { }"
  REVISION "202601010000Z" DESCRIPTION "first"
  ::= { enterprises 99999 }
Celsius ::= TEXTUAL-CONVENTION DISPLAY-HINT "d-1" STATUS current DESCRIPTION "tenths" SYNTAX Integer32 (-400..1250)
State ::= INTEGER { up(1), down(-2) }
acmeState OBJECT-TYPE SYNTAX State MAX-ACCESS read-write STATUS current DESCRIPTION "" ::= { acme 1 }
acmeHeat OBJECT-TYPE SYNTAX Celsius UNITS "C" MAX-ACCESS read-only STATUS current DESCRIPTION "" DEFVAL { 'FF'H } ::= { acme heat(7) 2 }
acmeOn OBJECT-TYPE SYNTAX TruthValue MAX-ACCESS read-only STATUS current DESCRIPTION "" ::= { acme 3 }
acmeTable OBJECT-TYPE SYNTAX SEQUENCE OF AcmeEntry MAX-ACCESS not-accessible STATUS current DESCRIPTION "" ::= { acme 4 }
acmeEntry OBJECT-TYPE SYNTAX AcmeEntry MAX-ACCESS not-accessible STATUS current DESCRIPTION "" INDEX { IMPLIED acmeName } ::= { acmeTable 1 }
AcmeEntry ::= SEQUENCE { acmeName DisplayString (SIZE (0..32 | 64)), acmeFlags BITS }
acmeFlags OBJECT-TYPE SYNTAX BITS { hot(0), wet(1) } MAX-ACCESS read-only STATUS current DESCRIPTION "" ::= { acmeEntry 2 }
acmeTrap TRAP-TYPE ENTERPRISE acme VARIABLES { acmeState } DESCRIPTION "" ::= 5`)

test('what a module says of its variables is known by OID and by name', () => {
  const { tree, faults } = link(acme)
  expect([...faults]).toEqual([])
  const at = (oid: string) => tree.find(`1.3.6.1.4.1.99999.${oid}`)
  expect(at('1.0')).toMatchObject({
    node: { name: 'acmeState', type: 'INTEGER', access: 'read-write' },
    suffix: '.0',
  })
  expect([...(at('1')?.node.labels ?? [])]).toEqual([
    [1, 'up'],
    [-2, 'down'],
  ])
  expect(at('7.2.0')?.node).toMatchObject({
    name: 'acmeHeat',
    type: 'Integer32',
    convention: 'Celsius',
    displayHint: 'd-1',
  })
  expect([...(at('3')?.node.labels ?? [])]).toEqual([
    [1, 'true'],
    [2, 'false'],
  ])
  expect(at('4.1.2.5.6')).toMatchObject({ node: { name: 'acmeFlags', type: 'BITS' }, suffix: '.5.6' })
  expect(tree.named('acmeFlags', 'ACME-MIB')).toMatchObject([{ oid: '1.3.6.1.4.1.99999.4.1.2' }])
  expect(tree.named('acmeTrap')).toEqual([])
})

test('the base modules hold together', () => {
  const { tree, faults } = link()
  expect([...faults]).toEqual([])
  expect(tree.find('1.3.6.1.2.1.1.5.0')).toMatchObject({ node: { module: 'SNMPv2-MIB', name: 'sysName' } })
  expect(tree.named('ifDescr')).toMatchObject([
    { oid: '1.3.6.1.2.1.2.2.1.2', module: 'IF-MIB', displayHint: '255a' },
  ])
})

test('a module that lacks another is told which', () => {
  const text = module('IMPORTS foo FROM OTHER-MIB;\nbar OBJECT IDENTIFIER ::= { foo 1 }')
  expect(link(text).faults.get('ACME-MIB')?.message).toMatch(/imports from OTHER-MIB, which is not loaded/)
  const other = module(
    'IMPORTS enterprises FROM SNMPv2-SMI;\nfoo OBJECT IDENTIFIER ::= { enterprises 5 }',
    'OTHER-MIB',
  )
  expect(link(text, other).tree.named('bar')).toMatchObject([{ oid: '1.3.6.1.4.1.5.1' }])
})

test.each<[string, string, RegExp]>([
  ['a parent that nobody defines', module('a OBJECT IDENTIFIER ::= { nowhere 1 }'), /below nowhere/],
  ['a circle', module('a OBJECT IDENTIFIER ::= { b 1 }\nb OBJECT IDENTIFIER ::= { a 1 }'), /below itself/],
  ['a circle of one', module('a OBJECT IDENTIFIER ::= { a 1 }'), /below itself/],
  ['a part without a number', module('a OBJECT IDENTIFIER ::= { iso org dod }'), /has no number/],
  [
    'an OID that is too deep',
    module(`a OBJECT IDENTIFIER ::= { iso ${'1 '.repeat(127)}}\nb OBJECT IDENTIFIER ::= { a 1 }`),
    /128/,
  ],
  [
    'a chain of 50,000',
    module(
      `n0 OBJECT IDENTIFIER ::= { iso 1 }\n${Array.from(
        { length: 20_000 },
        (_, n) => `n${n + 1} OBJECT IDENTIFIER ::= { n${n} 1 }`,
      )
        .reverse()
        .join('\n')}`,
    ),
    /deeper than 128/,
  ],
])('a module with %s is faulty and the others stand', (_, text, message) => {
  const { faults, tree } = link(text)
  expect(faults.get('ACME-MIB')?.message).toMatch(message)
  expect(tree.named('sysName')).toHaveLength(1)
})

test.each<[string, string, RegExp]>([
  ['nothing', '', /ends too early/],
  ['spaces', ' '.repeat(2_000_000), /ends too early/],
  ['one word of 2 MB', 'A'.repeat(2_000_000), /longer than 200/],
  ['hyphens', `A${'-a'.repeat(1_000_000)}`, /longer than 200/],
  ['comments', '--\n'.repeat(600_000), /ends too early/],
  ['quotes without end', `A DEFINITIONS ::= BEGIN "${'x'.repeat(1_000_000)}`, /closing quote/],
  ['a million quotes', module('"'.repeat(1_000_001)), /must begin with a name/],
  ['brackets', module(`a OBJECT-TYPE SYNTAX INTEGER ${'('.repeat(1_000_000)}`), /nest deeper/],
  ['braces', module(`a OBJECT IDENTIFIER ::= ${'{'.repeat(1_000_000)}`), /names and numbers/],
  ['imports without end', module(`IMPORTS ${'a, '.repeat(500_000)}`), /too long|ends too early/],
  [
    'imports from too many',
    module(`IMPORTS ${Array.from({ length: 300 }, (_, n) => `a FROM M${n}`).join('\n')};`),
    /too long/,
  ],
  [
    'too many definitions',
    module(
      'A ::= INTEGER '.repeat(1) + Array.from({ length: 60_000 }, (_, n) => `A${n} ::= INTEGER`).join('\n'),
    ),
    /definitions/,
  ],
  [
    'too many labels',
    module(`A ::= INTEGER { ${Array.from({ length: 20_000 }, (_, n) => `a(${n})`).join(',')} }`),
    /labels/,
  ],
  ['a number that is too large', module('a OBJECT IDENTIFIER ::= { iso 4294967296 }'), /32 bits/],
  ['a negative number', module('a OBJECT IDENTIFIER ::= { iso -1 }'), /32 bits/],
  ['an OID of nothing', module('a OBJECT IDENTIFIER ::= { }'), /empty/],
  ['no ::=', module('a OBJECT-TYPE SYNTAX INTEGER'), /no ::=|ends too early/],
  ['no SYNTAX', module('A ::= TEXTUAL-CONVENTION STATUS current'), /SYNTAX is missing/],
  ['binary', '\u0001\u0002', /where none may/],
  ['HTML', '<html>', /name is missing|where none may/],
  ['a second module', module('') + module(''), /one module at a time/],
  ['a name in small letters', 'acme DEFINITIONS ::= BEGIN END', /capital letter/],
])('%s is refused with the line', (_, text, message) => {
  expect(() => parseModule(text)).toThrow(
    expect.objectContaining({ name: 'MibFault', message: expect.stringMatching(message) }),
  )
})

test('names of prototypes are names like others', () => {
  const text = module(
    'IMPORTS enterprises FROM SNMPv2-SMI constructor FROM SNMPv2-TC;\nconstructor OBJECT IDENTIFIER ::= { enterprises 7 }\ntoString OBJECT IDENTIFIER ::= { constructor 1 }',
  )
  const { tree } = link(text)
  expect(tree.named('toString')).toMatchObject([{ oid: '1.3.6.1.4.1.7.1' }])
  expect(tree.named('hasOwnProperty')).toEqual([])
  expect(tree.find('__proto__')).toBeUndefined()
})

test('modules that import from one another hold together', () => {
  const a = module(
    'IMPORTS b FROM B-MIB enterprises FROM SNMPv2-SMI;\na OBJECT IDENTIFIER ::= { enterprises 1 }\na2 OBJECT IDENTIFIER ::= { b 1 }',
    'A-MIB',
  )
  const b = module('IMPORTS a FROM A-MIB;\nb OBJECT IDENTIFIER ::= { a 2 }', 'B-MIB')
  const { tree, faults } = link(a, b)
  expect([...faults]).toEqual([])
  expect(tree.named('a2')).toMatchObject([{ oid: '1.3.6.1.4.1.1.2.1' }])
})

test('conventions that lead to themselves end', () => {
  const text = module(
    'IMPORTS enterprises FROM SNMPv2-SMI;\nA ::= B\nB ::= A\na OBJECT-TYPE SYNTAX A ACCESS read-only STATUS mandatory ::= { enterprises 3 }',
  )
  expect(link(text).tree.named('a')).toMatchObject([{ convention: 'A' }])
})
