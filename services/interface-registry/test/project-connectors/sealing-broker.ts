import { randomBytes } from 'node:crypto'
import { sealEndpoint } from '@opsconductor/contracts'
import {
  createInternalApp,
  createLog,
  createMetrics,
  internalKeys,
  internalRoute,
  listen,
} from '@opsconductor/service-kit'
import { testInternalKey } from '@opsconductor/test-peers'

/** The broker's internal listener as far as sealing goes; what was sealed is remembered. */
export async function startSealingBroker() {
  const sealed: { project_id: string; table: string; id: string; plaintext: string }[] = []
  const ciphertexts: string[] = []
  const listening = await listen(
    createInternalApp({
      log: createLog('broker-peer', 'silent'),
      metrics: createMetrics(),
      keys: internalKeys({ INTERNAL_KEY: [testInternalKey] }, 'secrets-broker'),
      ready: async () => {},
      routes: [
        internalRoute(sealEndpoint, async ({ request }) => {
          sealed.push(request)
          const ciphertext = randomBytes(24).toString('base64')
          ciphertexts.push(ciphertext)
          return { ciphertext, key_id: 'peer-key' }
        }),
      ],
    }),
    '127.0.0.1',
    0,
  )
  return { url: listening.url, sealed, ciphertexts, close: () => listening.close() }
}
