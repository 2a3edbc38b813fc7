import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type CyberarkConjurPeer, startCyberarkConjurPeer } from '@opsconductor/test-peers'
import { cyberarkConjur } from '../../src/vaults/providers/cyberark-conjur.ts'
import { describeProvider, failureOf, never, openVault } from './vault-provider-suite.ts'

describe('000.40d CyberArk Conjur', () => {
  describeProvider({
    provider: cyberarkConjur,
    async start() {
      const peer = await startCyberarkConjurPeer()
      return {
        settings: peer.settings,
        auth: peer.auth,
        wrongAuth: { api_key: 'not-the-key' },
        put: async (path, values) => {
          for (const [key, value] of Object.entries(values)) peer.put(`${path}/${key}`, value)
        },
        close: () => peer.close(),
      }
    },
    path: 'billing/db server',
    absentPath: 'billing/none',
    badPaths: ['', '/a', 'a/', 'a//b', 'a/../b', '.', 'a\0b'],
    settingsAt: (host, ca) => ({ url: `https://${host}`, account: 'myorg', login: 'host/x', ca_pem: ca }),
  })
})

describe('000.40d CyberArk Conjur, after docs.conjur.org (Authenticate, Retrieve a secret, Batch retrieval)', () => {
  let peer: CyberarkConjurPeer
  beforeAll(async () => {
    peer = await startCyberarkConjurPeer()
    peer.put('app/key', 'one')
    peer.put('app/key', 'two')
  })
  afterAll(() => peer.close())

  const logins = () => peer.requests.filter(({ path }) => path.startsWith('/authn/')).length

  test('one variable is read alone, in any of its versions; several in one request', async () => {
    peer.put('app/db/user', 'u')
    peer.put('app/db/pass', 'p,=&')
    const vault = openVault(cyberarkConjur, peer.settings, peer.auth)
    const read = async (path: string, more: object = {}) =>
      (await vault.read({ path, ...more }, { signal: never() })).values
    expect(await read('app/key')).toEqual({ value: 'two' })
    expect(await read('app/key', { version: '1' })).toEqual({ value: 'one' })
    const before = peer.requests.length
    expect(await read('app/db', { keys: ['user', 'pass'] })).toEqual({ user: 'u', pass: 'p,=&' })
    expect(peer.requests.slice(before).map(({ path }) => path)).toEqual(['/secrets'])
    expect(
      (await failureOf(vault.read({ path: 'app/db', keys: ['user', 'none'] }, { signal: never() }))).code,
    ).toBe('vault_secret_not_found')
    await vault.close()
  })

  test('many reads share one login, which is renewed before its eight minutes are over', async () => {
    let now = Date.now()
    const vault = openVault(cyberarkConjur, peer.settings, peer.auth, { now: () => now })
    const before = logins()
    const readAll = () =>
      Promise.all(Array.from({ length: 20 }, () => vault.read({ path: 'app/key' }, { signal: never() })))
    await readAll()
    expect(logins() - before).toBe(1)
    for (let minutes = 0; minutes < 16; minutes += 4) {
      now += 4 * 60_000
      peer.advance(4 * 60)
      await readAll()
    }
    expect(logins() - before).toBe(3)
    await vault.close()
  })

  test('a token that the server dropped before its time is replaced, once', async () => {
    const vault = openVault(cyberarkConjur, peer.settings, peer.auth)
    await vault.read({ path: 'app/key' }, { signal: never() })
    peer.dropTokens()
    expect((await vault.read({ path: 'app/key' }, { signal: never() })).values).toEqual({ value: 'two' })
    await vault.close()
  })

  test('403, 422 and 429 each have their own error', async () => {
    const vault = openVault(cyberarkConjur, peer.settings, peer.auth)
    for (const [status, code] of [
      [403, 'vault_forbidden'],
      [422, 'vault_bad_answer'],
      [429, 'vault_throttled'],
      [500, 'vault_unreachable'],
    ] as const) {
      peer.answerNext({ status, body: { error: { code: 'x', message: 'two' } } })
      const error = await failureOf(vault.read({ path: 'app/key' }, { signal: never() }))
      // The login comes first.
      expect(error.code).toBe(code)
    }
    await vault.close()
  })
})
