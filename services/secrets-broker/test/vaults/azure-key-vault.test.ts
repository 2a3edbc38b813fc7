import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  type AzureKeyVaultPeer,
  createTestCertificates,
  startAzureKeyVaultPeer,
  startHostileVault,
} from '@opsconductor/test-peers'
import { azureKeyVault } from '../../src/vaults/providers/azure-key-vault.ts'
import { describeProvider, failureOf, never, openVault } from './vault-provider-suite.ts'

describe('000.40b Azure Key Vault, through the real SDK', () => {
  let peer: AzureKeyVaultPeer
  const certificates = createTestCertificates()
  describeProvider({
    provider: azureKeyVault,
    async start() {
      peer = await startAzureKeyVaultPeer(certificates)
      return {
        settings: peer.settings,
        auth: peer.auth,
        wrongAuth: { client_secret: 'not~the~secret' },
        put: async (path, values) => peer.put(path, JSON.stringify(values)),
        close: () => peer.close(),
      }
    },
    path: 'billing-db',
    absentPath: 'nothing-here',
    badPaths: ['', 'a/b', 'a b', '../../src/vaults/x', 'x?y', 'a'.repeat(128)],
    settingsAt: (host, ca) => ({
      vault_url: `https://${host}`,
      tenant_id: 'contoso.example',
      client_id: 'app',
      authority_host: `https://${host}`,
      ca_pem: ca,
    }),
  })
})

describe('000.40b Azure Key Vault', () => {
  let peer: AzureKeyVaultPeer
  const certificates = createTestCertificates()
  beforeAll(async () => {
    peer = await startAzureKeyVaultPeer(certificates)
  })
  afterAll(() => peer.close())
  const open = () => openVault(azureKeyVault, peer.settings, peer.auth)

  test('an older version is read by its id; one login and one challenge serve many reads', async () => {
    const old = peer.put('db-pw', 'plain text one')
    peer.put('db-pw', 'plain text two')
    const vault = open()
    expect(await vault.read({ path: 'db-pw', version: old }, { signal: never() })).toEqual({
      values: { value: 'plain text one' },
      version: old,
    })
    const before = peer.requests.length
    await Promise.all(Array.from({ length: 10 }, () => vault.read({ path: 'db-pw' }, { signal: never() })))
    expect(peer.requests.slice(before).every(({ path }) => path.startsWith('/secrets/'))).toBe(true)
    const { code } = await failureOf(vault.read({ path: 'db-pw', version: 'abc' }, { signal: never() }))
    expect(code).toBe('vault_secret_not_found')
    await vault.close()
  })

  test('a login service that cannot be reached, or redirects, is told from a refused login', async () => {
    const dead = openVault(
      azureKeyVault,
      { ...peer.settings, authority_host: 'https://login.vaults.localhost:1' },
      peer.auth,
    )
    expect((await failureOf(dead.read({ path: 'db-pw' }, { signal: never() }))).code).toBe(
      'vault_unreachable',
    )
    await dead.close()
    const lured = await startHostileVault('redirect', certificates)
    const redirected = openVault(
      azureKeyVault,
      { ...peer.settings, authority_host: `https://${lured.host}` },
      peer.auth,
    )
    expect((await failureOf(redirected.read({ path: 'db-pw' }, { signal: never() }))).code).toBe(
      'vault_bad_answer',
    )
    expect(lured.lured()).toBe(0)
    await redirected.close()
    await lured.close()
  })

  test('429, 503 and a disabled secret each have their own error', async () => {
    peer.put('off', 'never shown', { enabled: false })
    const vault = open()
    expect((await failureOf(vault.read({ path: 'off' }, { signal: never() }))).code).toBe('vault_forbidden')
    peer.answerNext({ status: 503, body: { error: { code: 'ServiceUnavailable', message: 'x' } } })
    expect((await failureOf(vault.read({ path: 'db-pw' }, { signal: never() }))).code).toBe(
      'vault_unreachable',
    )
    peer.answerNext({
      status: 429,
      headers: { 'retry-after': '7' },
      body: { error: { code: 'Throttled', message: 'x' } },
    })
    const throttled = await failureOf(vault.read({ path: 'db-pw' }, { signal: never() }))
    expect([throttled.code, throttled.retryAfterSeconds]).toEqual(['vault_throttled', 7])
    await vault.close()
  })
})
