import { randomUUID } from 'node:crypto'
import {
  type Credential,
  describeCredentialEndpoint,
  ensureNamespaceEndpoint,
  getTrustEndpoint,
  type LentCredential,
  namespaceOf,
  type ResolvedConnector,
  reportHostKeyEndpoint,
  resolveConnectorEndpoint,
  type UseCredential,
  useConnectorEndpoint,
  useCredentialEndpoint,
} from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { type AnyInternalRoute, internalRoute } from '@opsconductor/service-kit'
import { connectTemporal, ensureNamespace } from '@opsconductor/temporal'
import { servePeer, testTemporalAddress } from '@opsconductor/test-peers'
import type { z } from 'zod'

type TrustedKey = z.infer<typeof getTrustEndpoint.answer>['host_keys'][number]

/** What the broker works out of a credential of the types that these tests use. */
function lendable(
  type: string,
  secret: Record<string, string>,
  extra: LentCredential['extra'],
): Pick<LentCredential, 'redact' | 'http'> {
  const texts = Object.values(secret)
  const passwords = texts.flatMap((text) => (URL.canParse(text) ? [new URL(text).password] : []))
  const redact = [...texts, ...passwords.filter((text) => text !== '').map(decodeURIComponent)]
  const [text = ''] = texts
  const basic = Buffer.from(`${extra.username}:${text}`).toString('base64')
  const headers: Record<string, Record<string, string>> = {
    http_basic: { authorization: `Basic ${basic}` },
    bearer_token: { authorization: `Bearer ${text}` },
    api_key: { [String(extra.header_name ?? 'X-API-Key')]: text },
  }
  if (headers[type] === undefined) return { redact, http: null }
  if (typeof extra.query_name === 'string')
    return { redact, http: { headers: {}, query: { [extra.query_name]: text } } }
  return { redact, http: { headers: headers[type], query: {} } }
}

/** The broker's internal listener as the executor sees it, with credentials in memory. */
export async function startBrokerPeer() {
  const credentials: (LentCredential & { projectId: string; isActive: boolean })[] = []
  const lent: (UseCredential & { reference: string; traceparent: string | undefined })[] = []
  /** The credential that opens a connector, and for which version of it, by the connector's id. */
  const openers = new Map<string, { credentialId: string; version: string }>()
  let beforeLending = async () => {}
  const caBundles: string[] = []
  const bundlesOf = new Map<string, string[]>()
  const hostKeys: (TrustedKey & { host: string; port: number })[] = []
  const reportedHostKeys: z.infer<typeof reportHostKeyEndpoint.request>[] = []
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
      await beforeLending()
      lent.push({ ...request, reference: params.reference ?? '', traceparent: header('traceparent') })
      return credential
    }),
    internalRoute(useConnectorEndpoint, async ({ params, request, header }) => {
      const opener = openers.get(params.id ?? '')
      const found = credentials.find(({ id }) => id === opener?.credentialId)
      if (opener === undefined || found === undefined)
        throw new AppError('not_found', 'There is no such connector.')
      const { projectId: _, isActive: __, ...credential } = found
      await beforeLending()
      lent.push({ ...request, reference: params.id ?? '', traceparent: header('traceparent') })
      return { ...credential, connector_version: opener.version }
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
        version: 1,
        limits: {},
        expires_at: null,
        rotate_every_days: null,
        rotated_at: at,
        rotation_due_at: null,
        certificate: null,
        deleted_at: null,
        created_at: at,
        updated_at: at,
      }
      return described
    }),
    internalRoute(getTrustEndpoint, async ({ request: { project_id, host, port } }) => ({
      host_keys: hostKeys.filter((key) => key.host === host && key.port === port),
      ca_bundles: [...caBundles, ...(bundlesOf.get(project_id) ?? [])].map((certificates, index) => ({
        name: `bundle ${index}`,
        certificates,
        expires_at: new Date(Date.now() + 86_400_000).toISOString(),
      })),
    })),
    internalRoute(reportHostKeyEndpoint, async ({ request }) => {
      reportedHostKeys.push(request)
      return { pending: true }
    }),
  ])
  return {
    url: listening.url,
    lent,
    /** What every project trusts: CA bundles in PEM, and keys of SSH hosts. */
    caBundles,
    /** What one project alone trusts. */
    bundlesOf,
    hostKeys,
    /** Keys that hosts have shown and that were not trusted. */
    reportedHostKeys,
    /** What is awaited before a credential is lent. */
    onLend(wait: () => Promise<void>) {
      beforeLending = wait
    },
    add(
      credential: Pick<LentCredential, 'name' | 'type' | 'secret'> &
        Partial<LentCredential> & { projectId: string },
    ) {
      const extra = credential.extra ?? {}
      const how = lendable(credential.type, credential.secret, extra)
      const added = {
        id: randomUUID(),
        ...how,
        limits_hosts: null,
        limits_ca_bundles: null,
        isActive: true,
        ...credential,
        extra,
      }
      credentials.push(added)
      return added
    },
    /** From now on the credential opens the connector. */
    openConnector(connectorId: string, credentialId: string, version = '1') {
      openers.set(connectorId, { credentialId, version })
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

/** A connector as the registry knows it, and the projects that it is shared with. */
type KnownConnector = ResolvedConnector & { sharedWith: string[] }

/** The registry's internal listener: makes namespaces on the real Temporal, and has connectors in memory. */
export async function startRegistryPeer(routes: AnyInternalRoute[] = []) {
  const temporal = connectTemporal({ address: testTemporalAddress() })
  const connectors = new Map<string, KnownConnector>()
  let beforeResolving = async () => {}
  const listening = await servePeer('interface-registry', [
    ...routes,
    internalRoute(ensureNamespaceEndpoint, async ({ params }) => {
      const namespace = namespaceOf(params.id ?? '')
      await ensureNamespace(temporal.connection, namespace)
      return { namespace }
    }),
    internalRoute(resolveConnectorEndpoint, async ({ params: { reference = '' }, request }) => {
      await beforeResolving()
      const own = [...connectors.values()].filter((one) => one.project_id === request.project_id)
      const found = own.find(({ name }) => name === reference) ?? connectors.get(reference)
      if (found === undefined || ![found.project_id, ...found.sharedWith].includes(request.project_id))
        throw new AppError('not_found', 'There is no such connector.')
      const { sharedWith: _, ...connector } = found
      return connector
    }),
  ])
  return {
    url: listening.url,
    /** By their ids; one that is changed or taken out is, from then on. */
    connectors,
    /** What is awaited before a connector is told of. */
    onResolve(wait: () => Promise<void>) {
      beforeResolving = wait
    },
    addConnector(
      connector: Pick<ResolvedConnector, 'project_id' | 'name' | 'kind' | 'settings'> &
        Partial<KnownConnector>,
    ) {
      const added = { id: randomUUID(), version: '1', has_credential: false, sharedWith: [], ...connector }
      connectors.set(added.id, added)
      return added
    },
    async close() {
      await listening.close()
      await temporal.close()
    },
  }
}
