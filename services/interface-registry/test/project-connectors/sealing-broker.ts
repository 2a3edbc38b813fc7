import { randomBytes } from 'node:crypto'
import { sealEndpoint } from '@opsconductor/contracts'
import { internalRoute } from '@opsconductor/service-kit'
import { servePeer } from '@opsconductor/test-peers'

/** The broker's internal listener as far as sealing goes; what was sealed is remembered. */
export async function startSealingBroker() {
  const sealed: { project_id: string; table: string; id: string; plaintext: string }[] = []
  const ciphertexts: string[] = []
  const listening = await servePeer('secrets-broker', [
    internalRoute(sealEndpoint, async ({ request }) => {
      sealed.push(request)
      const ciphertext = randomBytes(24).toString('base64')
      ciphertexts.push(ciphertext)
      return { ciphertext, key_id: 'peer-key' }
    }),
  ])
  return { url: listening.url, sealed, ciphertexts, close: () => listening.close() }
}
