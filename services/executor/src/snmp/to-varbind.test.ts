import { expect, test } from '@jest/globals'
import type { z } from 'zod'
import { baseModules } from '../mibs/base-modules.ts'
import { linkModules } from '../mibs/link-modules.ts'
import { compareOids, isBelow, isOid } from './oid.ts'
import { SnmpSetting, toVarbind } from './to-varbind.ts'

const { tree } = linkModules(baseModules())
const varbind = (setting: z.input<typeof SnmpSetting>) => toVarbind(tree, SnmpSetting.parse(setting))
const oid = '1.3.6.1.4.1.99.0'

test.each<[z.input<typeof SnmpSetting>, object]>([
  [
    { oid: 'sysContact.0', value: 'ops' },
    { oid: '1.3.6.1.2.1.1.4.0', type: 4, value: Buffer.from('ops') },
  ],
  [
    { oid: 'IF-MIB::ifAdminStatus.7', value: 'down' },
    { oid: '1.3.6.1.2.1.2.2.1.7.7', type: 2, value: 2 },
  ],
  [
    { oid: 'ifAdminStatus.7', value: '1' },
    { oid: '1.3.6.1.2.1.2.2.1.7.7', type: 2, value: 1 },
  ],
  [
    { oid, type: 'Integer', value: -2147483648 },
    { oid, type: 2, value: -2147483648 },
  ],
  [
    { oid, type: 'Gauge32', value: '4294967295' },
    { oid, type: 66, value: 4294967295 },
  ],
  [
    { oid, type: 'OctetString', value: '00:ff 7f', encoding: 'hex' },
    { oid, type: 4, value: Buffer.from('00ff7f', 'hex') },
  ],
  [
    { oid, type: 'OctetString', value: '' },
    { oid, type: 4, value: '' },
  ],
  [
    { oid, type: 'OID', value: 'sysName.0' },
    { oid, type: 6, value: '1.3.6.1.2.1.1.5.0' },
  ],
  [
    { oid, type: 'IpAddress', value: '10.0.0.1' },
    { oid, type: 64, value: '10.0.0.1' },
  ],
  [
    { oid, type: 'Counter64', value: 0 },
    { oid, type: 70, value: Buffer.from([0]) },
  ],
  [
    { oid, type: 'Counter64', value: 128 },
    { oid, type: 70, value: Buffer.from([0, 128]) },
  ],
  [
    { oid, type: 'Counter64', value: '18446744073709551615' },
    { oid, type: 70, value: Buffer.from('00ffffffffffffffff', 'hex') },
  ],
])('%j goes out as what it means', (setting, sent) => {
  expect(varbind(setting)).toEqual(sent)
})

test.each<[z.input<typeof SnmpSetting>, RegExp]>([
  [{ oid, value: 1 }, /needs a type/],
  [{ oid: 'ifTable', value: 1 }, /needs a type/],
  [{ oid, type: 'Integer', value: 2147483648 }, /from -2147483648 to 2147483647/],
  [{ oid, type: 'Integer', value: 1.5 }, /whole number/],
  [{ oid, type: 'Integer', value: '1e3' }, /whole number/],
  [{ oid, type: 'Integer', value: '' }, /whole number/],
  [{ oid, type: 'Integer', value: 'NaN' }, /whole number/],
  [{ oid, type: 'Counter32', value: -1 }, /whole number/],
  [{ oid, type: 'Counter64', value: '18446744073709551616' }, /whole number/],
  [{ oid, type: 'Counter64', value: 2 ** 53 }, /whole number/],
  [{ oid, type: 'OctetString', value: 'xyz', encoding: 'hex' }, /hexadecimal/],
  [{ oid, type: 'OctetString', value: '0', encoding: 'hex' }, /hexadecimal/],
  [{ oid, type: 'IpAddress', value: '10.0.0.256' }, /IPv4/],
  [{ oid, type: 'IpAddress', value: '010.0.0.1' }, /IPv4/],
  [{ oid, type: 'OID', value: 'nothing' }, /not known/],
  [{ oid: 'ifAdminStatus.7', value: 'sideways' }, /whole number/],
  [{ oid: 'ifAdminStatus.7', value: 'toString' }, /whole number/],
  [{ oid: '__proto__.0', type: 'Integer', value: 1 }, /neither an OID nor a name/],
  [{ oid: 'constructor.0', type: 'Integer', value: 1 }, /not known/],
  [{ oid: '{{ input.oid }}', type: 'Integer', value: 1 }, /neither an OID nor a name/],
  [{ oid: 'sysName.0\n', type: 'Integer', value: 1 }, /neither an OID nor a name/],
])('%j is refused', (setting, message) => {
  expect(() => varbind(setting)).toThrow(
    expect.objectContaining({ code: 'validation_failed', message: expect.stringMatching(message) }),
  )
})

test.each(['1.3', '0.0', '2.999.1', `1.3${'.1'.repeat(126)}`, '1.3.4294967295'])('%s is an OID', (text) => {
  expect(isOid(text)).toBe(true)
})

test.each([
  '',
  '1',
  '3.1',
  '1.40',
  '1.3.',
  '.1.3',
  '1..3',
  '1.03',
  '1.3.-1',
  '1.3.4294967296',
  `1.3${'.1'.repeat(127)}`,
  '1.3.a',
  '1.3.1e3',
])('%s is no OID', (text) => {
  expect(isOid(text)).toBe(false)
})

test('OIDs stand in the order of their numbers', () => {
  const inOrder = ['1.3', '1.3.1', '1.3.1.1', '1.3.2', '1.3.10', '1.3.10.0', '1.4', '2.5']
  expect([...inOrder].reverse().sort(compareOids)).toEqual(inOrder)
  expect(compareOids('1.3.1', '1.3.1')).toBe(0)
  expect([isBelow('1.3.1', '1.3'), isBelow('1.30', '1.3'), isBelow('1.3', '1.3')]).toEqual([
    true,
    false,
    false,
  ])
})
