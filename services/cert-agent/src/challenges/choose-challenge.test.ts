import { expect, test } from '@jest/globals'
import type { Challenge } from '@opsconductor/contracts'
import { chooseChallenge } from './choose-challenge.ts'

const http = (names?: string[]): Challenge => ({
  ...{ type: 'http-01', server_id: null, webroot: null },
  ...(names && { names }),
})
const dns = (id: string, names?: string[]): Challenge => ({
  ...{ type: 'dns-01', dns_account_id: id, alias: null },
  ...(names && { names }),
})

test.each<[string, Challenge[], string, unknown]>([
  [
    'the first that lists the name',
    [dns('1'), dns('2', ['a.test']), http(['a.test'])],
    'a.test',
    { dns_account_id: '2' },
  ],
  ['else the first that lists nothing', [dns('1', ['b.test']), dns('2')], 'a.test', { dns_account_id: '2' }],
  ['else the gateway', [dns('1', ['b.test'])], 'a.test', { type: 'http-01', server_id: null }],
  ['for a wildcard the first of dns-01', [http(), dns('1')], '*.a.test', { dns_account_id: '1' }],
  ['for an address the first of http-01', [dns('1'), http()], '192.0.2.1', { type: 'http-01' }],
  ['for an address of IPv6 the gateway', [dns('1')], '2001:db8::1', { type: 'http-01', server_id: null }],
])('%s shows control', (_which, challenges, name, expected) => {
  expect(chooseChallenge(challenges, name)).toMatchObject(expected as object)
})

test.each<[string, Challenge[], string, string]>([
  [
    'a wildcard without dns-01',
    [http()],
    '*.a.test',
    'is a wildcard, which needs a challenge of type dns-01',
  ],
  [
    'a wildcard that http-01 lists',
    [http(['*.a.test'])],
    '*.a.test',
    'cannot be shown by http-01: it needs dns-01',
  ],
  [
    'an address that dns-01 lists',
    [dns('1', ['192.0.2.1'])],
    '192.0.2.1',
    'cannot be shown by dns-01: it needs http-01',
  ],
])('%s is refused in words', (_which, challenges, name, fault) => {
  expect(chooseChallenge(challenges, name)).toEqual({ fault })
})
