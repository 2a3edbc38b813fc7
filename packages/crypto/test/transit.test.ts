import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { createTestCertificates, startTransitPeer, type TransitPeer } from '@opsconductor/test-peers'
import { request } from 'undici'
import { DecryptionError } from '../src/envelope.ts'
import { KeyRefused, KeyUnavailable, type MasterKey } from '../src/key-providers/define-key-provider.ts'
import { openTransitKey, type TransitOptions } from '../src/key-providers/transit.ts'

const dataKey = randomBytes(32)
const aad = 'data-key|b7f0|project'

/** Administers a server over its API, as an operator does. */
function createOperator(server: { url: string; rootToken: string }) {
  const ask = async (method: string, path: string, body?: unknown) => {
    const answer = await request(`${server.url}/v1/${path}`, {
      method: method as 'POST',
      headers: { 'X-Vault-Token': server.rootToken },
      body: body === undefined ? null : JSON.stringify(body),
    })
    const text = await answer.body.text()
    return text === '' ? {} : JSON.parse(text)
  }
  const post = (path: string, body: unknown = {}) => ask('POST', path, body)
  const allow = (name: string, rules: Record<string, string[]>) =>
    post(`sys/policies/acl/${name}`, {
      policy: Object.entries(rules)
        .map(([path, capabilities]) => `path "${path}" { capabilities = ${JSON.stringify(capabilities)} }`)
        .join('\n'),
    })
  return {
    ask,
    post,
    async makeKey(name: string, settings = {}) {
      await post(`transit/keys/${name}`, settings)
      return name
    },
    /** The least that a broker needs for that key; `more` widens it. */
    allowKey: (name: string, more: Record<string, string[]> = {}) =>
      allow(name, {
        [`transit/keys/${name}`]: ['read'],
        [`transit/encrypt/${name}`]: ['update'],
        [`transit/decrypt/${name}`]: ['update'],
        ...more,
      }),
    async makeToken(policy: string, settings = {}): Promise<string> {
      const { auth } = await post('auth/token/create', { policies: [policy], ...settings })
      return auth.client_token
    },
    async makeAppRole(policy: string, settings = {}) {
      await post('sys/auth/approle', { type: 'approle' })
      await post(`auth/approle/role/${policy}`, {
        token_policies: [policy],
        token_ttl: '10m',
        token_max_ttl: '30m',
        ...settings,
      })
      const role = await ask('GET', `auth/approle/role/${policy}/role-id`)
      const secret = await post(`auth/approle/role/${policy}/secret-id`)
      return { roleId: role.data.role_id as string, secretId: secret.data.secret_id as string }
    },
  }
}

const opened: MasterKey[] = []
const open = async (options: TransitOptions): Promise<MasterKey> => {
  const key = await openTransitKey(options)
  opened.push(key)
  return key
}
afterEach(() => Promise.all(opened.splice(0).map((key) => key.close?.())))

const refusal = async (opening: Promise<unknown>): Promise<Error> =>
  opening.then(
    () => new Error('it opened'),
    (error) => error,
  )

// The peer answers as a recorded OpenBao; TEST_VAULT_URL and TEST_VAULT_TOKEN put a real server in its place.
describe('on any Vault or OpenBao', () => {
  let peer: TransitPeer | undefined
  let server: { url: string; rootToken: string }
  let operator: ReturnType<typeof createOperator>
  const newName = () => `key-${randomBytes(4).toString('hex')}`

  beforeAll(async () => {
    const { TEST_VAULT_URL: url, TEST_VAULT_TOKEN: rootToken } = process.env
    if (url === undefined || rootToken === undefined) peer = await startTransitPeer()
    server = peer ?? { url: url as string, rootToken: rootToken as string }
    operator = createOperator(server)
    await operator.post('sys/mounts/transit', { type: 'transit' })
  })
  afterAll(() => peer?.close())

  const makeKeyAndToken = async (settings = {}) => {
    const keyName = await operator.makeKey(newName(), settings)
    await operator.allowKey(keyName)
    return { url: server.url, keyName, login: { token: await operator.makeToken(keyName) } }
  }

  test('003.24a a key of Vault wraps and opens data keys with the least of policies, and has no bytes in this process', async () => {
    const key = await open(await makeKeyAndToken())
    const wrapped = await key.wrap(dataKey, aad)
    expect(wrapped).toMatch(/^vault:v1:/)
    expect(await key.unwrap(wrapped, aad)).toEqual(dataKey)
    expect(key.local).toBeUndefined()
    expect(key.provider).toBe('vault-transit')
    expect(key.id).toMatch(/^transit:[0-9a-f]{16}$/)
  })

  test('003.24a what was changed, cut, moved to another row or wrapped by another key does not open', async () => {
    const key = await open(await makeKeyAndToken())
    const other = await open(await makeKeyAndToken())
    const wrapped = await key.wrap(dataKey, aad)
    const head = 'vault:v1:'
    const bytes = Buffer.from(wrapped.slice(head.length), 'base64')
    const changed = [0, 12, 44].map((at) => {
      const copy = Buffer.from(bytes)
      copy[at] = (copy[at] as number) ^ 1
      return head + copy.toString('base64')
    })
    const madeUp = [wrapped.slice(0, 30), wrapped.replace('v1', 'v9'), wrapped.replace('v1', 'v0'), 'x', '']
    for (const text of [...changed, ...madeUp])
      expect(await refusal(key.unwrap(text, aad))).toBeInstanceOf(DecryptionError)
    for (const elsewhere of ['data-key|b7f1|project', ''])
      expect(await refusal(key.unwrap(wrapped, elsewhere))).toBeInstanceOf(DecryptionError)
    expect(await refusal(other.unwrap(wrapped, aad))).toBeInstanceOf(DecryptionError)
    expect(other.id).not.toBe(key.id)
  })

  test('003.24a after Vault rotates its key the id stays, old wraps open and new ones are under the new version', async () => {
    const options = await makeKeyAndToken()
    const key = await open(options)
    const before = await key.wrap(dataKey, aad)
    await operator.post(`transit/keys/${options.keyName}/rotate`)
    expect(await key.wrap(dataKey, aad)).toMatch(/^vault:v2:/)
    expect(await key.unwrap(before, aad)).toEqual(dataKey)
    expect((await open(options)).id).toBe(key.id)
    await operator.post(`transit/keys/${options.keyName}/config`, { min_decryption_version: 2 })
    const tooOld = await refusal(key.unwrap(before, aad))
    expect(tooOld).toBeInstanceOf(KeyRefused)
    expect(tooOld.message).toMatch(/too old/)
  })

  test('003.24a a key that is exportable, may be backed up in clear, or is not aes256-gcm96 is refused', async () => {
    for (const [settings, why] of [
      [{ exportable: true }, /exportable/],
      [{ allow_plaintext_backup: true }, /plaintext backup/],
      [{ type: 'aes128-gcm96' }, /aes128-gcm96, not aes256-gcm96/],
      [{ type: 'ed25519' }, /ed25519, not aes256-gcm96/],
    ] as const) {
      const error = await refusal(open(await makeKeyAndToken(settings)))
      expect(error).toBeInstanceOf(KeyRefused)
      expect(error.message).toMatch(why)
    }
  })

  test('003.24a a key that is not there is never made, at start or later, even where the policy would allow it', async () => {
    const keyName = newName()
    await operator.allowKey(keyName, { [`transit/encrypt/${keyName}`]: ['create', 'update'] })
    const login = { token: await operator.makeToken(keyName) }
    const options = { url: server.url, keyName, login }
    expect((await refusal(open(options))).message).toMatch(/does not exist/)
    await operator.makeKey(keyName)
    const key = await open(options)
    await operator.post(`transit/keys/${keyName}/config`, { deletion_allowed: true })
    await operator.ask('DELETE', `transit/keys/${keyName}`)
    expect(await refusal(key.wrap(dataKey, aad))).toBeInstanceOf(KeyRefused)
    expect(await operator.ask('GET', `transit/keys/${keyName}`)).toEqual({ errors: [] })
  })

  test('003.24a a token that was revoked, is wrong or lacks a right makes the key unavailable, and is not shown', async () => {
    const options = await makeKeyAndToken()
    const key = await open(options)
    await operator.post('auth/token/revoke', { token: options.login.token })
    const errors = [
      await refusal(key.wrap(dataKey, aad)),
      await refusal(open(options)),
      await refusal(open({ ...options, login: { token: 's.wrong' } })),
    ]
    for (const error of errors) {
      expect(error).toBeInstanceOf(KeyUnavailable)
      expect(error.message).toMatch(/Vault forbids transit/)
      expect(error.message).not.toContain(options.login.token)
    }
    await operator.allowKey(options.keyName, { [`transit/decrypt/${options.keyName}`]: ['deny'] })
    const token = await operator.makeToken(options.keyName)
    expect((await refusal(open({ ...options, login: { token } }))).message).toMatch(/policy does not allow/)
  })

  test('003.24a an AppRole logs in, and again where its token was revoked', async () => {
    const { url, keyName } = await makeKeyAndToken()
    const key = await open({
      url,
      keyName,
      login: await operator.makeAppRole(keyName, { secret_id_num_uses: 2 }),
    })
    const wrapped = await key.wrap(dataKey, aad)
    if (peer === undefined) return
    peer.advance(700)
    expect(await key.unwrap(wrapped, aad)).toEqual(dataKey)
    peer.advance(700)
    // Both uses of the secret id are spent.
    const error = await refusal(key.unwrap(wrapped, aad))
    expect(error).toBeInstanceOf(KeyRefused)
    expect(error.message).toMatch(/AppRole login: invalid role or secret ID/)
  })

  test('003.24a plain http to another machine, and a name that would leave its path, are refused before anything is sent', async () => {
    for (const url of ['http://vault.example:8200', 'ftp://127.0.0.1', 'vault', 'https://user@vault.example'])
      expect(await refusal(openTransitKey({ url, keyName: 'k', login: { token: 't' } }))).toBeInstanceOf(
        KeyRefused,
      )
    const options = { url: server.url, keyName: 'k', login: { token: 't' } }
    for (const changed of [{ keyName: '../src/sys' }, { mount: '../src/auth' }, { mount: 'a//b' }])
      expect(await refusal(openTransitKey({ ...options, ...changed }))).toBeInstanceOf(KeyRefused)
  })
})

describe('on a server that fails', () => {
  let peer: TransitPeer
  let operator: ReturnType<typeof createOperator>
  let scheduled: Array<{ run: () => void; delayMs: number }>
  const schedule = (run: () => void, delayMs: number) => {
    const entry = { run, delayMs }
    scheduled.push(entry)
    return () => {
      scheduled = scheduled.filter((one) => one !== entry)
    }
  }
  const options = (login: TransitOptions['login']): TransitOptions => ({
    url: peer.url,
    keyName: 'k',
    login,
    schedule,
  })
  /** Runs the renewal that is due, and waits until the next is planned. */
  const runRenewal = async (): Promise<number> => {
    const due = scheduled.shift()
    due?.run()
    await expectSoon(() => scheduled.length > 0)
    return scheduled[0]?.delayMs as number
  }
  const expectSoon = async (isTrue: () => boolean) => {
    for (let turn = 0; turn < 10_000 && !isTrue(); turn++) await new Promise(setImmediate)
    expect(isTrue()).toBe(true)
  }

  beforeEach(async () => {
    scheduled = []
    peer = await startTransitPeer({ namespaces: ['team-a'] })
    operator = createOperator(peer)
    await operator.post('sys/mounts/transit', { type: 'transit' })
    await operator.makeKey('k')
    await operator.allowKey('k')
  })
  afterEach(() => peer.close())

  test('003.24a a sealed, throttling or unreachable Vault is unavailable, which is worth another try, and the key works after', async () => {
    const key = await open(options({ token: peer.rootToken }))
    const wrapped = await key.wrap(dataKey, aad)
    peer.setSealed(true)
    const sealed = new KeyUnavailable('Vault is sealed.')
    expect(await refusal(key.unwrap(wrapped, aad))).toEqual(sealed)
    expect(await refusal(open(options({ token: peer.rootToken })))).toEqual(sealed)
    peer.setSealed(false)
    peer.throttle(1)
    expect(await refusal(key.unwrap(wrapped, aad))).toEqual(
      new KeyUnavailable('Vault throttles requests (429).'),
    )
    expect(await key.unwrap(wrapped, aad)).toEqual(dataKey)
    const gone = await startTransitPeer()
    await gone.close()
    const error = await refusal(open({ ...options({ token: 't' }), url: gone.url }))
    expect(error).toEqual(new KeyUnavailable('Vault cannot be reached (ECONNREFUSED).'))
  })

  test('003.24a a token is renewed when two thirds of its life are over, so it lives while the process does', async () => {
    const token = await operator.makeToken('k', { ttl: '10m', period: '10m' })
    const key = await open(options({ token }))
    const wrapped = await key.wrap(dataKey, aad)
    expect(scheduled[0]?.delayMs).toBe(400_000)
    for (let round = 0; round < 3; round++) {
      peer.advance(400)
      expect(await runRenewal()).toBe(400_000)
    }
    expect(await key.unwrap(wrapped, aad)).toEqual(dataKey)
  })

  test('003.24a a renewal that finds Vault sealed is tried again until it is done', async () => {
    const token = await operator.makeToken('k', { ttl: '10m' })
    const key = await open(options({ token }))
    peer.advance(400)
    peer.setSealed(true)
    expect(await runRenewal()).toBe(10_000)
    expect(await runRenewal()).toBe(10_000)
    peer.setSealed(false)
    expect(await runRenewal()).toBe(400_000)
    peer.advance(400)
    expect(await key.wrap(dataKey, aad)).toMatch(/^vault:/)
  })

  test('003.24a an AppRole whose token can be renewed no more logs in again by itself', async () => {
    const login = await operator.makeAppRole('k', { token_type: 'batch', token_ttl: '10m' })
    const key = await open(options(login))
    peer.advance(400)
    peer.requests.length = 0
    expect(await runRenewal()).toBe(400_000)
    expect(peer.requests).toEqual(['POST auth/token/renew-self', 'POST auth/approle/login'])
    peer.advance(300)
    expect(await key.wrap(dataKey, aad)).toMatch(/^vault:/)
    expect(peer.requests).not.toContain('GET auth/token/lookup-self')
  })

  test('003.24a many requests at the end of a token are one login, and a refusal of the policy is none', async () => {
    const key = await open(options(await operator.makeAppRole('k')))
    const wrapped = await key.wrap(dataKey, aad)
    peer.advance(700)
    peer.requests.length = 0
    const all = await Promise.all(Array.from({ length: 20 }, () => key.unwrap(wrapped, aad)))
    expect(all.every((one) => one.equals(dataKey))).toBe(true)
    const logins = () => peer.requests.filter((line) => line === 'POST auth/approle/login').length
    expect(logins()).toBe(1)
    await operator.allowKey('k', { 'transit/decrypt/k': [] })
    expect(await refusal(key.unwrap(wrapped, aad))).toBeInstanceOf(KeyUnavailable)
    expect(logins()).toBe(1)
  })

  test('003.24a closing a key ends its renewals', async () => {
    const key = await open(options({ token: await operator.makeToken('k', { ttl: '10m' }) }))
    expect(scheduled).toHaveLength(1)
    await key.close?.()
    expect(scheduled).toHaveLength(0)
    expect(await refusal(key.wrap(dataKey, aad))).toBeInstanceOf(KeyUnavailable)
  })

  test('003.24a the namespace is told with every request, tells keys apart, and one that is not there is refused', async () => {
    const root = await open(options({ token: peer.rootToken }))
    const team = await open({ ...options({ token: peer.rootToken }), namespace: 'team-a' })
    expect(team.id).not.toBe(root.id)
    expect(await team.unwrap(await team.wrap(dataKey, aad), aad)).toEqual(dataKey)
    const missing = open({ ...options({ token: peer.rootToken }), namespace: 'team-b' })
    expect((await refusal(missing)).message).toMatch(/no handler for route/)
    const mount = open({ ...options({ token: peer.rootToken }), mount: 'other' })
    expect((await refusal(mount)).message).toMatch(/no handler for route/)
  })

  test('003.24a a Vault too old to bind a wrap to its row is refused', async () => {
    const old = await startTransitPeer({ withoutAssociatedData: true })
    const its = createOperator(old)
    await its.post('sys/mounts/transit', { type: 'transit' })
    await its.makeKey('k')
    const error = await refusal(open({ ...options({ token: old.rootToken }), url: old.url }))
    await old.close()
    expect(error).toBeInstanceOf(KeyRefused)
    expect(error.message).toMatch(/does not bind associated_data/)
  })

  test('003.24a over TLS an authority given by its PEM is trusted, and without it nothing is sent', async () => {
    const { ca, server } = createTestCertificates()
    const secure = await startTransitPeer({ tls: server })
    const given = { ...options({ token: secure.rootToken }), url: secure.url }
    const error = await refusal(open(given))
    expect(error).toBeInstanceOf(KeyUnavailable)
    expect(error.message).toMatch(/cannot be reached \(UNABLE_TO_VERIFY/)
    expect(secure.requests).toEqual([])
    // Its trust is enough to be answered: the engine is not mounted.
    expect((await refusal(open({ ...given, ca }))).message).toMatch(/no handler for route/)
    await secure.close()
  })
})
