import { expect, test } from '@jest/globals'
import { lendable } from './lend.ts'
import { parseCredential } from './parse-credential.ts'
import { faultPaths } from './try-credential.fixture.ts'

const extra = { host: 'mail.example', username: 'ops@example.com' }

test.each([
  [undefined, 'starttls', 587],
  ['tls', 'tls', 465],
  ['none', 'none', 25],
])('smtp with the security %s has %s and the port %i', async (security, kept, port) => {
  const given = { type: 'smtp', secret: 'passw0rd', extra: { ...extra, ...(security ? { security } : {}) } }
  expect((await parseCredential(given)).extra).toEqual({ ...extra, security: kept, port })
})

test('smtp refuses hosts, ports, names and passwords that are none', async () => {
  for (const host of ['', 'a b', 'a/b', 'a,b', '%2Ftmp', 'user@mail.example', '-x'])
    expect(await faultPaths('smtp', 'passw0rd', { ...extra, host })).toEqual(['body.extra.host'])
  for (const port of [0, 65_536, 2.5, '25'])
    expect(await faultPaths('smtp', 'passw0rd', { ...extra, port })).toEqual(['body.extra.port'])
  expect(await faultPaths('smtp', 'passw0rd', { ...extra, username: 'a\nb' })).toEqual([
    'body.extra.username',
  ])
  expect(await faultPaths('smtp', 'pass\r\nword', extra)).toEqual(['body.secret'])
  expect(lendable('smtp', { password: 'passw0rd' }, extra)).toEqual({ redact: ['passw0rd'], http: null })
})
