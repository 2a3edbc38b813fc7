import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { AppError } from '@opsconductor/errors'
import { createMetrics } from '@opsconductor/service-kit'
import { createTestCertificates, type Hostility, startHostileVault } from '@opsconductor/test-peers'
import type { AnyVaultProvider, VaultConnection } from '../../src/vaults/define-vault-provider.ts'
import { createVaultMetrics, guardVault } from '../../src/vaults/guard-vault.ts'

export const never = () => new AbortController().signal

interface OpenOptions {
  allowLoopback?: boolean
  now?: () => number
  timeoutMs?: number
}

/** A vault as the broker talks to it: settings and auth through their schemas, guarded. */
export function openVault(
  provider: AnyVaultProvider,
  settings: object,
  auth: object,
  { allowLoopback = true, now = Date.now, timeoutMs = 10_000 }: OpenOptions = {},
): VaultConnection {
  const connection = provider.connect(
    provider.settings.parse(settings) as never,
    provider.auth.parse(auth) as never,
    { outbound: { allowLoopback }, now },
  )
  const metrics = createVaultMetrics(createMetrics())
  return guardVault(connection, { provider: provider.provider, metrics, now, timeoutMs })
}

/** The AppError that the call ends with. */
export async function failureOf(call: Promise<unknown>): Promise<AppError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(AppError)
  return error as AppError
}

export interface RunningVault {
  settings: object
  auth: Record<string, string>
  wrongAuth: object
  /** Stores a new version of the secret at `path`. */
  put(path: string, values: Record<string, string>): Promise<unknown>
  close(): Promise<unknown>
}

interface Suite {
  provider: AnyVaultProvider
  start(): Promise<RunningVault>
  /** A path that the test may write, and one where nothing is. */
  path: string
  absentPath: string
  badPaths: readonly string[]
  /** Settings for a vault at `host` over TLS. */
  settingsAt(host: string, ca: string): object
}

/** What every provider owes, run against its peer, or against a real vault where the environment names one. */
export function describeProvider({ provider, start, path, absentPath, badPaths, settingsAt }: Suite): void {
  const keys = ['username', 'password']
  let vault: RunningVault
  beforeAll(async () => {
    vault = await start()
  })
  afterAll(() => vault.close())

  test('reads a secret, and its new version after a change', async () => {
    const connection = openVault(provider, vault.settings, vault.auth)
    await vault.put(path, { username: 'reader', password: 'first-Passw0rd' })
    const first = await connection.read({ path, keys }, { signal: never() })
    expect(first.values).toMatchObject({ username: 'reader', password: 'first-Passw0rd' })
    await vault.put(path, { username: 'reader', password: 'žluťoučký 🔑 <&>"' })
    const second = await connection.read({ path, keys }, { signal: never() })
    expect(second.values).toMatchObject({ password: 'žluťoučký 🔑 <&>"' })
    if (first.version !== null) expect(second.version).not.toBe(first.version)
    await connection.close()
  })

  test('a secret that is not there is vault_secret_not_found', async () => {
    const connection = openVault(provider, vault.settings, vault.auth)
    const { code } = await failureOf(connection.read({ path: absentPath, keys }, { signal: never() }))
    expect(code).toBe('vault_secret_not_found')
    await connection.close()
  })

  test('a check passes with the right auth and is vault_forbidden with a wrong one, as is a read', async () => {
    const connection = openVault(provider, vault.settings, vault.auth)
    await connection.check({ signal: never() })
    await connection.close()
    const refused = openVault(provider, vault.settings, vault.wrongAuth)
    expect((await failureOf(refused.check({ signal: never() }))).code).toBe('vault_forbidden')
    expect((await failureOf(refused.read({ path, keys }, { signal: never() }))).code).toBe('vault_forbidden')
    await refused.close()
  })

  test('paths that servers clean up, or that name nothing, are refused before they are sent', () => {
    expect(provider.faultOfPath(path)).toBeUndefined()
    for (const bad of badPaths) expect([bad, typeof provider.faultOfPath(bad)]).toEqual([bad, 'string'])
  })

  describe('a server that is no vault', () => {
    const expected: Record<Hostility, string> = {
      html: 'vault_bad_answer',
      redirect: 'vault_bad_answer',
      huge: 'vault_bad_answer',
      deep: 'vault_bad_answer',
      garbage: 'vault_bad_answer',
      cut: 'vault_unreachable',
      silent: 'vault_unreachable',
    }
    const certificates = createTestCertificates()

    test.each(Object.entries(expected))(
      '%s is %s, and nothing of the auth is told',
      async (hostility, code) => {
        const hostile = await startHostileVault(hostility as Hostility, certificates)
        // Long enough for every other hostility, for silence is only ended by it.
        const timeoutMs = hostility === 'silent' ? 200 : 10_000
        const connection = openVault(provider, settingsAt(hostile.host, certificates.ca), vault.auth, {
          timeoutMs,
        })
        const error = await failureOf(connection.read({ path, keys }, { signal: never() }))
        expect(error.code).toBe(code)
        if (hostility === 'huge') expect(error.message).toMatch(/more than 2 MB/)
        if (hostility === 'redirect') expect(error.message).toMatch(/redirects/)
        expect(hostile.lured()).toBe(0)
        const told = JSON.stringify([error.message, error.internal, String(error.cause), error.stack])
        for (const secret of Object.values(vault.auth)) expect(told).not.toContain(secret)
        await connection.close()
        await hostile.close()
      },
    )

    test('a certificate of an unknown authority is vault_unreachable', async () => {
      const hostile = await startHostileVault('html', certificates)
      const other = createTestCertificates()
      const connection = openVault(provider, settingsAt(hostile.host, other.ca), vault.auth)
      const error = await failureOf(connection.read({ path, keys }, { signal: never() }))
      expect([error.code, error.message]).toEqual(['vault_unreachable', expect.stringMatching(/certificate/)])
      await connection.close()
      await hostile.close()
    })

    test('an address on this machine is not asked unless the broker allows it', async () => {
      const hostile = await startHostileVault('html', certificates)
      const connection = openVault(provider, settingsAt(hostile.host, certificates.ca), vault.auth, {
        allowLoopback: false,
      })
      const error = await failureOf(connection.read({ path, keys }, { signal: never() }))
      expect([error.code, error.message]).toEqual([
        'vault_unreachable',
        expect.stringMatching(/this machine/),
      ])
      await connection.close()
      await hostile.close()
    })
  })
}
