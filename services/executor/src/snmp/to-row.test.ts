import { expect, test } from '@jest/globals'
import { baseModules } from '../mibs/base-modules.ts'
import { linkModules } from '../mibs/link-modules.ts'
import { parseModule } from '../mibs/parse-module.ts'
import { toRow } from './to-row.ts'

const acme = `ACME-MIB DEFINITIONS ::= BEGIN IMPORTS enterprises FROM SNMPv2-SMI MacAddress, DateAndTime FROM SNMPv2-TC;
flags OBJECT-TYPE SYNTAX BITS { hot(0), wet(1), far(9) } ACCESS read-only STATUS current ::= { enterprises 1 }
mac OBJECT-TYPE SYNTAX MacAddress ACCESS read-only STATUS current ::= { enterprises 2 }
when OBJECT-TYPE SYNTAX DateAndTime ACCESS read-only STATUS current ::= { enterprises 3 } END`
const { tree } = linkModules([...baseModules(), parseModule(acme)])
const row = (oid: string, type: number, value: unknown) => {
  const { oid: _, name: __, ...shown } = toRow(tree, { oid, type, value })
  return shown
}
const hex = (digits: string) => Buffer.from(digits, 'hex')
const unknown = '1.3.6.1.4.1.99'

test.each<[string, number, unknown, object]>([
  ['1.3.6.1.2.1.2.2.1.8.1', 2, 2, { type: 'Integer', value: 2, label: 'down' }],
  ['1.3.6.1.2.1.2.2.1.8.1', 2, 99, { type: 'Integer', value: 99 }],
  [
    '1.3.6.1.4.1.1.0',
    4,
    hex('c040'),
    { type: 'OctetString', value: 'c040', encoding: 'hex', label: 'hot, wet, far' },
  ],
  [
    '1.3.6.1.4.1.2.0',
    4,
    hex('001122aabbcc'),
    { type: 'OctetString', value: '001122aabbcc', encoding: 'hex', display: '00:11:22:aa:bb:cc' },
  ],
  [
    '1.3.6.1.4.1.2.0',
    4,
    Buffer.from('ABCDEF'),
    { type: 'OctetString', value: 'ABCDEF', encoding: 'text', display: '41:42:43:44:45:46' },
  ],
  [
    '1.3.6.1.4.1.3.0',
    4,
    hex('07c8051a0d1e0f00'),
    { type: 'OctetString', value: '07c8051a0d1e0f00', encoding: 'hex', display: '1992-5-26,13:30:15.0' },
  ],
  [
    '1.3.6.1.2.1.1.5.0',
    4,
    hex('6574683000'),
    { type: 'OctetString', value: '6574683000', encoding: 'hex', display: 'eth0' },
  ],
  [unknown, 4, Buffer.from('Zürich\n'), { type: 'OctetString', value: 'Zürich\n', encoding: 'text' }],
  [unknown, 4, Buffer.alloc(0), { type: 'OctetString', value: '', encoding: 'text' }],
  [unknown, 4, Buffer.from('a\u202eb'), { type: 'OctetString', value: '61e280ae62', encoding: 'hex' }],
  [unknown, 4, hex('ff00'), { type: 'OctetString', value: 'ff00', encoding: 'hex' }],
  [unknown, 70, hex('1fffffffffffff'), { type: 'Counter64', value: 9007199254740991 }],
  [unknown, 70, hex('00ffffffffffffffff'), { type: 'Counter64', value: '18446744073709551615' }],
  [unknown, 70, Buffer.alloc(0), { type: 'Counter64', value: 0 }],
  [unknown, 68, hex('9f780442f60000'), { type: 'Float', value: 123 }],
  [unknown, 68, hex('9f78047fc00000'), { type: 'Float', value: 'NaN' }],
  [unknown, 68, hex('9f7908405edccccccccccd'), { type: 'Double', value: 123.45 }],
  [unknown, 68, hex('0102'), { type: 'Opaque', value: '0102', encoding: 'hex' }],
  [unknown, 64, '10.0.0.1', { type: 'IpAddress', value: '10.0.0.1' }],
  [unknown, 129, null, { type: 'NoSuchInstance', value: null }],
])('%s of type %d (%j) is shown with what the MIB says', (oid, type, value, shown) => {
  expect(row(oid, type, value)).toEqual(shown)
})

test('a name has its module; where none is known it is null', () => {
  expect(toRow(tree, { oid: '1.3.6.1.2.1.2.2.1.2.3', type: 5, value: null }).name).toBe('IF-MIB::ifDescr.3')
  expect(toRow(tree, { oid: '2.999.1', type: 5, value: null }).name).toBeNull()
})

test.each<[number, unknown]>([
  [2, null],
  [2, '1'],
  [4, null],
  [4, 'text'],
  [6, null],
  [64, null],
  [68, null],
  [70, hex('01020304050607080910')],
])('a value of type %d that is none (%j) is the fault of the agent', (type, value) => {
  expect(() => row(unknown, type, value)).toThrow(expect.objectContaining({ code: 'target_failed' }))
})
