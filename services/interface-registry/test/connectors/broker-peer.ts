import { randomBytes, randomUUID } from 'node:crypto'
import {
  type Credential,
  describeCredentialEndpoint,
  sealConnectorCredentialsEndpoint,
} from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { internalRoute } from '@opsconductor/service-kit'
import { servePeer } from '@opsconductor/test-peers'
import type { z } from 'zod'

type SealRequest = z.infer<typeof sealConnectorCredentialsEndpoint.request>

/** The broker's internal listener as far as connectors go: credentials in memory, and what was sealed remembered. */
export async function startBrokerPeer() {
  const credentials = new Map<string, Credential>()
  const sealed: (SealRequest & { id: string; ciphertext: string })[] = []
  const listening = await servePeer('secrets-broker', [
    internalRoute(describeCredentialEndpoint, async ({ params, request }) => {
      const found = credentials.get(params.reference ?? '')
      if (found?.project_id !== request.project_id) throw new AppError('not_found', 'There is none.')
      return found
    }),
    internalRoute(sealConnectorCredentialsEndpoint, async ({ params, request }) => {
      if (request.secret === undefined)
        throw new AppError('validation_failed', 'body.secret is missing', {
          errors: [{ path: 'body.secret', message: 'is missing' }],
        })
      const ciphertext = randomBytes(24).toString('base64')
      sealed.push({ ...request, id: params.id ?? '', ciphertext })
      return { ciphertext, key_id: 'peer-key' }
    }),
  ])
  return {
    url: listening.url,
    sealed,
    createCredential(projectId: string, type: string, more: Partial<Credential> = {}): string {
      const now = new Date().toISOString()
      const credential: Credential = {
        ...{ id: randomUUID(), project_id: projectId, name: 'it', type, description: null, extra: {} },
        ...{ is_active: true, version: 1, limits: {}, expires_at: null, rotate_every_days: null },
        ...{ rotated_at: now, rotation_due_at: null, certificate: null, deleted_at: null },
        ...{ created_at: now, updated_at: now },
        ...more,
      }
      credentials.set(credential.id, credential)
      return credential.id
    },
    close: () => listening.close(),
  }
}
