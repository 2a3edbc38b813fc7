import { expect, test } from '@jest/globals'
import { credentialTypeNames, findCredentialType } from './index.ts'
import { faultPaths, faultsOf } from './try-credential.fixture.ts'

test('every wrong part is reported at once, secret and extra', async () => {
  expect(await faultPaths('http_basic', 'abc', { username: 'a:b' })).toEqual([
    'body.secret',
    'body.extra.username',
  ])
})

test('a field that the secret does not have is not named: its name may be the secret', async () => {
  const faults = await faultsOf('bearer_token', { token: 'tok-0123456789', 'hunter2!': 'abcd' })
  expect(faults).toEqual([['body.secret', 'has a field that this credential type does not have']])
})

test('001.07 the types of the seed are known', () => {
  expect(credentialTypeNames).toEqual(
    expect.arrayContaining(['ssh', 'http_basic', 'bearer_token', 'db_dsn', 'api_key', 'custom']),
  )
})

test('001.16 an unknown type is refused, naming the known ones', async () => {
  for (const type of ['fernet', '', '__proto__', 'constructor', 'HTTP_BASIC'])
    expect(await faultsOf(type, 'passw0rd')).toEqual([
      ['body.type', `must be one of ${credentialTypeNames.join(', ')}`],
    ])
})

/** Public parts without a fault, so that only the secret is at fault. */
const extras: Record<string, object> = {
  ssh: { username: 'ada' },
  http_basic: { username: 'ada' },
  oauth2_client: { client_id: 'a', token_url: 'https://id.example/' },
  aws: { access_key_id: 'AKIAIOSFODNN7EXAMPLE' },
  smtp: { host: 'h', username: 'ada' },
  tsig: { key_name: 'k' },
  acme_account: { directory_url: 'https://acme.example/' },
  snmp_v3: { username: 'ada', level: 'authNoPriv', auth_protocol: 'sha' },
}
const secretTypes = credentialTypeNames.filter((name) => findCredentialType(name)?.mainSecret !== undefined)

test.each(secretTypes)(
  '001.14 %s refuses a secret that is empty, blank, too short or missing',
  async (type) => {
    for (const secret of ['', '   ', 'abc', undefined]) {
      const paths = await faultPaths(type, secret, { ...extras[type] })
      expect(paths.filter((path) => path.startsWith('body.secret'))).not.toEqual([])
    }
  },
)

test.each(credentialTypeNames)('001.17 %s refuses sensitive keys in extra, nested too', async (type) => {
  const extra = { ...extras[type], nested: { Password: 'hunter2!' } }
  const faults = await faultsOf(type, 'passw0rd', extra)
  expect(faults.map(([path]) => path)).toContain('body.extra.nested.Password')
  expect(JSON.stringify(faults)).not.toContain('hunter2')
})
