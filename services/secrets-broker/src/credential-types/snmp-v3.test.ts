import { expect, test } from '@jest/globals'
import { lendable } from './lend.ts'
import { faultPaths } from './try-credential.fixture.ts'

const both = { auth_passphrase: 'auth-0123', priv_passphrase: 'priv-0123' }
const authPriv = { username: 'ops', level: 'authPriv', auth_protocol: 'sha256', priv_protocol: 'aes256b' }
const { auth_passphrase } = both

test('snmp_v3 takes a user at each level, with the secrets that the level has, also none', async () => {
  expect(await faultPaths('snmp_v3', undefined, { username: 'ops', level: 'noAuthNoPriv' })).toEqual([])
  expect(await faultPaths('snmp_v3', {}, { username: 'ops', level: 'noAuthNoPriv' })).toEqual([])
  const authNoPriv = { username: 'ops', level: 'authNoPriv', auth_protocol: 'md5' }
  expect(await faultPaths('snmp_v3', 'auth-0123', authNoPriv)).toEqual([])
  for (const priv_protocol of ['des', 'aes128', 'aes192b', 'aes192r', 'aes256b', 'aes256r'])
    expect(await faultPaths('snmp_v3', both, { ...authPriv, priv_protocol })).toEqual([])
  expect(lendable('snmp_v3', both, authPriv)).toEqual({ redact: ['auth-0123', 'priv-0123'], http: null })
  expect(lendable('snmp_v3', {}, {})).toEqual({ redact: [], http: null })
})

test.each<[object, object, string[]]>([
  [{ auth_passphrase }, authPriv, ['body.secret.priv_passphrase']],
  [
    {},
    { ...authPriv, priv_protocol: undefined },
    ['body.secret.auth_passphrase', 'body.secret.priv_passphrase', 'body.extra.priv_protocol'],
  ],
  [both, { username: 'ops', level: 'authNoPriv', auth_protocol: 'sha' }, ['body.secret.priv_passphrase']],
  [{ auth_passphrase }, { username: 'ops', level: 'noAuthNoPriv' }, ['body.secret.auth_passphrase']],
  [{ ...both, auth_passphrase: 'short77' }, authPriv, ['body.secret.auth_passphrase']],
  [both, { ...authPriv, auth_protocol: 'sha3' }, ['body.extra.auth_protocol']],
  [both, { ...authPriv, username: 'ü'.repeat(17) }, ['body.extra.username']],
  [both, { ...authPriv, level: 'all' }, ['body.extra.level']],
])('snmp_v3 refuses %j with %j, naming %j', async (secret, extra, paths) => {
  const given = Object.fromEntries(Object.entries(extra).filter(([, value]) => value !== undefined))
  expect(await faultPaths('snmp_v3', secret as Record<string, string>, given)).toEqual(paths)
})
