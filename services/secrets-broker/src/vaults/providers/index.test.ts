import { execFileSync } from 'node:child_process'
import { expect, test } from '@jest/globals'
import { vaultProviders } from './index.ts'

/** What a new process loads when it imports the list, and then connects to a vault of each SDK. */
const script = `
import { registerHooks } from 'node:module'
const loaded = []
registerHooks({ resolve(name, context, next) { const found = next(name, context); loaded.push(found.url); return found } })
const sdks = () => loaded.some((url) => /@azure|@aws-sdk|@smithy/.test(url))
const { findVaultProvider } = await import('${new URL('./index.ts', import.meta.url)}')
const before = sdks()
const tools = { outbound: { allowLoopback: false }, now: Date.now }
const vault = findVaultProvider('aws-secrets-manager').connect(
  { region: 'none', endpoint: 'https://127.0.0.1' }, { access_key_id: 'a', secret_access_key: 'b' }, tools)
await vault.read({ path: 'x' }, { signal: AbortSignal.timeout(5000) }).catch(() => {})
console.log(JSON.stringify([before, sdks()]))`

test('a broker without such a vault loads no SDK', () => {
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  expect(JSON.parse(printed)).toEqual([false, true])
})

test('every provider names itself and refuses settings that are empty or have a field too many', () => {
  expect(new Set(vaultProviders.map(({ provider }) => provider)).size).toBe(5)
  for (const { settings, auth } of vaultProviders) {
    expect(settings.safeParse({}).success).toBe(false)
    expect(settings.safeParse({ surplus: 1 }).success).toBe(false)
    expect(auth.safeParse({ surplus: 'x' }).success).toBe(false)
  }
})
