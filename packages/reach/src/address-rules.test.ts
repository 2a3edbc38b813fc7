import { expect, test } from '@jest/globals'
import { isAddressAllowed, isCidr } from './address-rules.ts'

const closed = { allow: [] }

test.each([
  '127.0.0.1',
  '127.255.255.254',
  '0.0.0.0',
  '0.1.2.3',
  '169.254.169.254',
  '169.254.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '240.0.0.1',
  '100.100.100.200',
  '168.63.129.16',
  '::',
  '::1',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  'fd00:ec2::254',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:169.254.169.254',
  '::ffff:0:127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::127.0.0.1',
  '2002:7f00:1::',
  '2002:a9fe:a9fe::1',
  '2001:0:0:0:0:0:80ff:fffe',
  '::127.0.0.1',
  '::ffff:100.100.100.200',
])('000.48 %s is denied by default', (address) => {
  expect(isAddressAllowed(closed, address, 80)).toBe(false)
})

test.each([
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '8.8.8.8',
  '100.64.0.1',
  'fd12:3456::1',
  '2606:4700::1',
  '::ffff:10.0.0.1',
])('000.48 %s is open by default: operations reach private networks', (address) => {
  expect(isAddressAllowed(closed, address, 80)).toBe(true)
})

test('000.48 a rule opens exactly its addresses and ports', () => {
  const policy = { allow: [{ cidr: '127.0.0.1', ports: [5433] }] }
  expect(isAddressAllowed(policy, '127.0.0.1', 5433)).toBe(true)
  expect(isAddressAllowed(policy, '::ffff:127.0.0.1', 5433)).toBe(true)
  expect(isAddressAllowed(policy, '127.0.0.1', 5434)).toBe(false)
  expect(isAddressAllowed(policy, '127.0.0.2', 5433)).toBe(false)
  expect(isAddressAllowed(policy, '::1', 5433)).toBe(false)
  expect(isAddressAllowed(policy, '169.254.169.254', 5433)).toBe(false)
})

test('a rule may be a CIDR, of either family, or a wrapped address', () => {
  const range = { allow: [{ cidr: '127.0.0.0/8', ports: [80] }] }
  expect(isAddressAllowed(range, '127.9.9.9', 80)).toBe(true)
  const six = { allow: [{ cidr: '::1/128', ports: [80] }] }
  expect(isAddressAllowed(six, '::1', 80)).toBe(true)
  expect(isAddressAllowed(six, '127.0.0.1', 80)).toBe(false)
  const wrapped = { allow: [{ cidr: '::ffff:127.0.0.1', ports: [80] }] }
  expect(isAddressAllowed(wrapped, '127.0.0.1', 80)).toBe(true)
  const all = { allow: [{ cidr: '::/0', ports: [80] }] }
  expect(isAddressAllowed(all, '127.0.0.1', 80)).toBe(false)
})

test.each(['', 'localhost', '127.1', '0x7f000001', '0177.0.0.1', '2130706433', '127.0.0.1/', '127.0.0.1/33'])(
  'what is not an address in its usual form is neither an address nor a rule: %j',
  (text) => {
    expect(isAddressAllowed(closed, text, 80)).toBe(false)
    expect(isCidr(text)).toBe(false)
  },
)

test.each(['127.0.0.1/-1', '127.0.0.1/8/8', '127.0.0.1/ 8', 'fe80::1%eth0/64', '::/129', '10.0.0.0/08'])(
  'a rule that is not a CIDR is refused: %j',
  (text) => expect(isCidr(text)).toBe(false),
)
