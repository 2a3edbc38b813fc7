import { expect, test } from '@jest/globals'
import { inetOf } from './store.ts'

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
