import { createKeyVerifier, generateApiKey } from '@opsconductor/auth'
import { createCachedLookup } from '@opsconductor/events'
import { measureSequential } from './statistics.ts'

const count = 20_000

/** Milliseconds to verify a key whose answer is cached, with the code that the registry runs. */
export async function benchWarmKey(): Promise<number> {
  const { key } = generateApiKey()
  const keys = createKeyVerifier({
    cache: createCachedLookup({ ttlMs: 60_000, entriesMax: 10, listener: { connected: () => true } }),
    verify: async () => ({
      valid: true,
      key_id: 'k',
      user_id: 'u',
      project_id: 'p',
      public_interface_id: null,
      scopes: [],
      expires_at: null,
    }),
    reportUse: async () => {},
    onReportError: () => {},
  })
  await measureSequential(1_000, () => keys.verify(key))
  const { perSecond } = await measureSequential(count, () => keys.verify(key))
  await keys.stop()
  return 1000 / perSecond
}
