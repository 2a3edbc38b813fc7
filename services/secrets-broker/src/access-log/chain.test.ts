import { expect, test } from '@jest/globals'
import { inetOf } from './chain.ts'

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '::1'],
  ['::ffff:10.0.0.9', '10.0.0.9'],
  ['::FFFF:10.0.0.9', '10.0.0.9'],
  ['fe80::1%eth0', 'fe80::1'],
  ['', null],
  ['not an address', null],
  ['10.0.0.1/8', null],
  ["1'; DROP TABLE x", null],
  ['10.0.0.1, 10.0.0.2', null],
])(
  'the address %j is logged as %j, so that no word of a caller can make the log refuse its row',
  (given, kept) => {
    expect(inetOf(given)).toBe(kept)
  },
)

test.each([
  ['::FFFF:A00:9', '10.0.0.9'],
  ['0:0:0:0:0:ffff:0a00:0009', '10.0.0.9'],
  ['2001:DB8:0:0:1::1', '2001:db8::1:0:0:1'],
  ['::10.0.0.9', '::a00:9'],
])('the address %j in another spelling is logged as %j', (given, kept) => {
  expect(inetOf(given)).toBe(kept)
})
