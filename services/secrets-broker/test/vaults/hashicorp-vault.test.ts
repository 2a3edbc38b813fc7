import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type OpenBaoPeer, startOpenBaoPeer } from '@opsconductor/test-peers'
import { request } from 'undici'
import { hashicorpVault } from '../../src/vaults/providers/hashicorp-vault.ts'
import { describeProvider, failureOf, never, openVault } from './vault-provider-suite.ts'

type Json = Record<string, unknown>

/** A vault's own API as its administrator uses it. */
function administrator(url: string, token: string) {
  return async (
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: Json,
    allowed: number[] = [],
  ) => {
    const answer = await request(`${url}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': token, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    })
    const text = await answer.body.text()
    if (answer.statusCode >= 300 && !allowed.includes(answer.statusCode))
      throw new Error(`${method} ${path}: ${answer.statusCode}`)
    return (text === '' ? {} : JSON.parse(text)) as { data: Json; auth: Json }
  }
}

const policy = ['path "oc2/data/*" { capabilities=["read"] }', 'path "oc1/*" { capabilities=["read"] }'].join(
  '\n',
)

/** Two mounts, a policy and a role, in the peer or in the real vault alike. */
async function furnish(url: string, token: string) {
  const admin = administrator(url, token)
  await admin('POST', 'sys/mounts/oc2', { type: 'kv', options: { version: '2' } }, [400])
  await admin('POST', 'sys/mounts/oc1', { type: 'kv', options: { version: '1' } }, [400])
  await admin('PUT', 'sys/policies/acl/opsconductor-test', { policy })
  await admin('POST', 'sys/auth/approle', { type: 'approle' }, [400])
  await admin('POST', 'auth/approle/role/opsconductor-test', {
    token_policies: ['opsconductor-test'],
    token_ttl: '10m',
    token_max_ttl: '30m',
    secret_id_num_uses: 6,
  })
  const role = await admin('GET', 'auth/approle/role/opsconductor-test/role-id')
  const newSecretId = async () =>
    String((await admin('POST', 'auth/approle/role/opsconductor-test/secret-id', {})).data.secret_id)
  return {
    admin,
    newAuth: async () => ({ role_id: String(role.data.role_id), secret_id: await newSecretId() }),
  }
}

/** The peer plays by recordings of a real OpenBao; TEST_VAULT_URL and TEST_VAULT_TOKEN (of an administrator) name a real one. */
const real = process.env.TEST_VAULT_URL
const realToken = process.env.TEST_VAULT_TOKEN ?? ''

describe.each([1, 2] as const)('000.40a HashiCorp Vault, KV version %i', (version) => {
  describeProvider({
    provider: hashicorpVault,
    async start() {
      const peer = real === undefined ? await startOpenBaoPeer() : undefined
      const url = real ?? peer?.url ?? ''
      const { admin, newAuth } = await furnish(url, peer?.rootToken ?? realToken)
      return {
        settings: { url, mount: `oc${version}` },
        auth: await newAuth(),
        wrongAuth: { role_id: 'no-such-role', secret_id: 'no-such-secret' },
        put: (path, values) => {
          const encoded = path.split('/').map(encodeURIComponent).join('/')
          return version === 1
            ? admin('POST', `oc1/${encoded}`, values)
            : admin('POST', `oc2/data/${encoded}`, { data: values })
        },
        close: async () => peer?.close(),
      }
    },
    path: 'app/billing db/ž',
    absentPath: 'app/none',
    badPaths: ['', '/a', 'a/', 'a//b', 'a/../b', '..', 'a/./b', 'a\nb'],
    settingsAt: (host, ca) => ({ url: `https://${host}`, kv_version: version, ca_pem: ca }),
  })
})

describe('000.40a HashiCorp Vault and OpenBao', () => {
  let peer: OpenBaoPeer
  let furnished: Awaited<ReturnType<typeof furnish>>
  beforeAll(async () => {
    peer = await startOpenBaoPeer()
    furnished = await furnish(peer.url, peer.rootToken)
    await furnished.admin('POST', 'oc2/data/db', { data: { pass: 'one' } })
    await furnished.admin('POST', 'oc2/data/db', { data: { pass: 'two', port: 5432, none: null, list: [1] } })
    await furnished.admin('POST', 'oc1/db', { pass: 'p', ttl: '30m' })
  })
  afterAll(() => peer.close())
  const countOf = (path: string) => peer.requests.filter((each) => each.path === `/v1/${path}`).length
  const open = async (settings: Json = {}, options = {}) =>
    openVault(
      hashicorpVault,
      { url: peer.url, mount: 'oc2', ...settings },
      await furnished.newAuth(),
      options,
    )
  const secret = { path: 'db' }

  test('KV 2 has versions, KV 1 a lease; what is no text is JSON, and null is left out', async () => {
    const kv2 = await open()
    expect(await kv2.read(secret, { signal: never() })).toEqual({
      values: { pass: 'two', port: '5432', list: '[1]' },
      version: '2',
    })
    expect((await kv2.read({ path: 'db', version: '1' }, { signal: never() })).values).toEqual({
      pass: 'one',
    })
    const kv1 = await open({ mount: 'oc1' })
    expect(await kv1.read(secret, { signal: never() })).toEqual({
      values: { pass: 'p', ttl: '30m' },
      version: null,
      leaseSeconds: 1800,
    })
    for (const version of ['0', '-1', 'abc', '99'])
      expect((await failureOf(kv2.read({ path: 'db', version }, { signal: never() }))).code).toBe(
        'vault_secret_not_found',
      )
    await Promise.all([kv1.close(), kv2.close()])
  })

  test('many reads share one AppRole login and one question for the engine’s version', async () => {
    const vault = await open()
    const [logins, mounts] = [countOf('auth/approle/login'), countOf('sys/internal/ui/mounts/oc2/db')]
    await Promise.all(Array.from({ length: 30 }, () => vault.read(secret, { signal: never() })))
    expect(countOf('auth/approle/login') - logins).toBe(1)
    expect(countOf('sys/internal/ui/mounts/oc2/db') - mounts).toBe(1)
    const told = await open({ kv_version: 2 })
    await Promise.all(Array.from({ length: 30 }, () => told.read(secret, { signal: never() })))
    expect(countOf('auth/approle/login') - logins).toBe(2)
    expect(countOf('sys/internal/ui/mounts/oc2/db') - mounts).toBe(1)
    await Promise.all([vault.close(), told.close()])
  })

  test('a token is renewed before it expires, and replaced by a login when its longest life is near', async () => {
    let now = Date.now()
    const vault = await open({ kv_version: 2 }, { now: () => now })
    const logins = countOf('auth/approle/login')
    const renewals = countOf('auth/token/renew-self')
    for (let minutes = 0; minutes <= 60; minutes += 3) {
      await vault.read(secret, { signal: never() })
      now += 3 * 60_000
      peer.advance(3 * 60)
    }
    expect(countOf('auth/approle/login') - logins).toBe(3)
    expect(countOf('auth/token/renew-self') - renewals).toBeGreaterThanOrEqual(5)
    await vault.close()
  })

  test('a token that was revoked is replaced by one login; a policy’s refusal costs none', async () => {
    let now = Date.now()
    const vault = await open({ kv_version: 2 }, { now: () => now })
    await vault.read(secret, { signal: never() })
    peer.revokeAllButRoot()
    now += 60_000
    expect((await vault.read(secret, { signal: never() })).version).toBe('2')
    now += 60_000
    const logins = countOf('auth/approle/login')
    const outside = openVault(
      hashicorpVault,
      { url: peer.url, mount: 'elsewhere', kv_version: 2 },
      await furnished.newAuth(),
      { now: () => now },
    )
    for (let i = 0; i < 3; i++) {
      const { code } = await failureOf(outside.read(secret, { signal: never() }))
      expect(code).toBe('vault_forbidden')
      now += 60_000
    }
    expect(countOf('auth/approle/login') - logins).toBe(1)
    await Promise.all([vault.close(), outside.close()])
  })

  test('a secret id that was used up is vault_forbidden', async () => {
    const auth = await furnished.newAuth()
    for (let i = 0; i < 6; i++) {
      const vault = openVault(hashicorpVault, { url: peer.url, mount: 'oc2' }, auth)
      await vault.read(secret, { signal: never() })
      await vault.close()
    }
    const vault = openVault(hashicorpVault, { url: peer.url, mount: 'oc2' }, auth)
    expect((await failureOf(vault.read(secret, { signal: never() }))).code).toBe('vault_forbidden')
    await vault.close()
  })

  test('a given token is used as it is, kept alive while it is used, and forbidden once it is dead', async () => {
    let now = Date.now()
    const { auth } = await furnished.admin('POST', 'auth/token/create', {
      policies: ['opsconductor-test'],
      period: '10m',
    })
    const vault = openVault(
      hashicorpVault,
      { url: peer.url, mount: 'oc2' },
      { token: auth.client_token as string },
      { now: () => now },
    )
    for (let minutes = 0; minutes < 60; minutes += 4) {
      await vault.read(secret, { signal: never() })
      now += 4 * 60_000
      peer.advance(4 * 60)
    }
    peer.revokeAllButRoot()
    expect((await failureOf(vault.read(secret, { signal: never() }))).code).toBe('vault_forbidden')
    await vault.close()
  })

  test('deleted, destroyed and sealed each say so', async () => {
    const { admin } = furnished
    await admin('POST', 'oc2/data/gone', { data: { a: '1234' } })
    await admin('DELETE', 'oc2/data/gone')
    await admin('POST', 'oc2/data/razed', { data: { a: '1234' } })
    await admin('PUT', 'oc2/destroy/razed', { versions: [1] })
    const vault = await open()
    const messageOf = async (path: string) =>
      (await failureOf(vault.read({ path }, { signal: never() }))).message
    expect(await messageOf('gone')).toMatch(/was deleted/)
    expect(await messageOf('razed')).toMatch(/was destroyed/)
    peer.setSealed(true)
    expect((await failureOf(vault.read(secret, { signal: never() }))).code).toBe('vault_sealed')
    expect((await failureOf(vault.check({ signal: never() }))).code).toBe('vault_sealed')
    peer.setSealed(false)
    await vault.check({ signal: never() })
    await vault.close()
  })

  test('a standby is well, 429 on a read is a limit, 500 and 472 an outage, 400 a bad answer', async () => {
    const vault = await open({ kv_version: 2 })
    await vault.read(secret, { signal: never() })
    peer.answerNext({ status: 429, body: { sealed: false, standby: true } })
    await vault.check({ signal: never() })
    for (const [status, code] of [
      [400, 'vault_bad_answer'],
      [472, 'vault_unreachable'],
      [500, 'vault_unreachable'],
      [502, 'vault_unreachable'],
      [429, 'vault_throttled'],
    ] as const) {
      peer.answerNext({ status, headers: { 'retry-after': '3' }, body: { errors: ['quotes two'] } })
      const error = await failureOf(vault.read(secret, { signal: never() }))
      expect([error.code, error.message]).toEqual([code, expect.not.stringContaining('two')])
    }
    await vault.close()
  })

  test('the namespace is sent with everything but the health check', async () => {
    const vault = await open({ namespace: 'team-a' })
    const before = peer.requests.length
    await vault.check({ signal: never() })
    await vault.read(secret, { signal: never() })
    const sent = peer.requests.slice(before).map(({ path, headers }) => [path, headers['x-vault-namespace']])
    expect(
      new Set(sent.map(([path, namespace]) => path === '/v1/sys/health' || namespace === 'team-a')),
    ).toEqual(new Set([true]))
    expect(sent).toContainEqual(['/v1/sys/health', undefined])
    const wrong = await open({ namespace: 'nobody', kv_version: 2 })
    expect((await failureOf(wrong.read(secret, { signal: never() }))).code).toMatch(
      /^vault_(secret_not_found|forbidden)$/,
    )
    await Promise.all([vault.close(), wrong.close()])
  })
})
