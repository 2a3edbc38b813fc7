import { randomUUID } from 'node:crypto'
import {
  type Credential,
  describeCredentialEndpoint,
  ensureNamespaceEndpoint,
  type LentCredential,
  namespaceOf,
  useCredentialEndpoint,
} from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import {
  type AnyInternalRoute,
  createInternalApp,
  createLog,
  createMetrics,
  internalKeys,
  internalRoute,
  listen,
} from '@opsconductor/service-kit'
import { connectTemporal, ensureNamespace } from '@opsconductor/temporal'
import { testInternalKey, testTemporalAddress } from '@opsconductor/test-peers'

function servePeer(name: 'secrets-broker' | 'interface-registry', routes: AnyInternalRoute[]) {
  const app = createInternalApp({
    log: createLog(`${name}-peer`, 'silent'),
    metrics: createMetrics(),
    keys: internalKeys({ INTERNAL_KEY: [testInternalKey] }, name),
    ready: async () => {},
    routes,
  })
  return listen(app, '127.0.0.1', 0)
}

/** The broker's internal listener as the executor sees it, with credentials in memory. */
export async function startBrokerPeer() {
  const credentials: (LentCredential & { projectId: string; isActive: boolean })[] = []
  const lent: { reference: string; run_id: string; step_id: string; traceparent: string | undefined }[] = []
  const find = (projectId: string, reference: string) => {
    const found = credentials.find(
      (c) => c.projectId === projectId && (c.id === reference || c.name === reference),
    )
    if (found === undefined) throw new AppError('not_found', 'There is no such credential.')
    return found
  }
  const listening = await servePeer('secrets-broker', [
    internalRoute(useCredentialEndpoint, async ({ params, request, header }) => {
      const { projectId: _, isActive: __, ...credential } = find(request.project_id, params.reference ?? '')
      lent.push({
        reference: params.reference ?? '',
        run_id: request.run_id,
        step_id: request.step_id,
        traceparent: header('traceparent'),
      })
      return credential
    }),
    internalRoute(describeCredentialEndpoint, async ({ params, request }) => {
      const { id, name, type, extra, projectId, isActive } = find(request.project_id, params.reference ?? '')
      const at = new Date(0).toISOString()
      const described: Credential = {
        id,
        project_id: projectId,
        name,
        type,
        description: null,
        extra,
        is_active: isActive,
        created_at: at,
        updated_at: at,
      }
      return described
    }),
  ])
  return {
    url: listening.url,
    lent,
    add(credential: Omit<LentCredential, 'id' | 'extra'> & Partial<LentCredential> & { projectId: string }) {
      const added = { id: randomUUID(), extra: {}, isActive: true, ...credential }
      credentials.push(added)
      return added
    },
    remove(id: string) {
      credentials.splice(
        credentials.findIndex((c) => c.id === id),
        1,
      )
    },
    close: () => listening.close(),
  }
}

/** The registry's internal listener: makes namespaces on the real Temporal. */
export async function startRegistryPeer() {
  const temporal = connectTemporal({ address: testTemporalAddress() })
  const listening = await servePeer('interface-registry', [
    internalRoute(ensureNamespaceEndpoint, async ({ params }) => {
      const namespace = namespaceOf(params.id ?? '')
      await ensureNamespace(temporal.connection, namespace)
      return { namespace }
    }),
  ])
  return {
    url: listening.url,
    async close() {
      await listening.close()
      await temporal.close()
    },
  }
}
