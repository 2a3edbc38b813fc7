import { randomUUID } from 'node:crypto'
import {
  type CredentialLimits,
  describeCredentialEndpoint,
  getTrustEndpoint,
  keepCredentialEndpoint,
  type LentCredential,
  reportHostKeyEndpoint,
  type UseCredential,
  useCredentialEndpoint,
} from '@opsconductor/contracts'
import { AppError, invalidField } from '@opsconductor/errors'
import { internalRoute } from '@opsconductor/service-kit'
import { servePeer } from '@opsconductor/test-peers'
import {
  buildChain,
  CertificateFault,
  certificatesToPem,
  findLeaf,
  keyToPem,
  parsePem,
  readPkcs12,
} from '@opsconductor/x509'
import type { z } from 'zod'

type TrustedKey = z.infer<typeof getTrustEndpoint.answer>['host_keys'][number]

interface Kept {
  id: string
  projectId: string
  name: string
  type: string
  version: number
  secret: Record<string, string>
  extra: LentCredential['extra']
  limits?: CredentialLimits
}

/** The broker's internal listener as cert-agent sees it, with credentials in memory. */
export async function startBrokerPeer(now = () => new Date()) {
  const credentials: Kept[] = []
  const lent: (UseCredential & { reference: string })[] = []
  const hostKeys: (TrustedKey & { host: string; port: number })[] = []
  const caBundles: string[] = []
  const deleted = new Set<string>()
  const find = (projectId: string, reference: string): Kept => {
    const found = credentials.find(
      (c) => c.projectId === projectId && (c.id === reference || c.name === reference),
    )
    if (found === undefined || deleted.has(found.id)) throw noCredential()
    return found
  }
  const listening = await servePeer('secrets-broker', [
    internalRoute(useCredentialEndpoint, async ({ params, request }) => {
      const { projectId: _, version: __, ...credential } = find(request.project_id, params.reference ?? '')
      lent.push({ ...request, reference: params.reference ?? '' })
      return {
        ...credential,
        redact: Object.values(credential.secret),
        http:
          credential.type === 'bearer_token'
            ? { headers: { authorization: `Bearer ${credential.secret.token}` }, query: {} }
            : null,
        limits_hosts: null,
        limits_ca_bundles: null,
      }
    }),
    internalRoute(keepCredentialEndpoint, async ({ request }) => {
      const { project_id: projectId, credential_id: id, name, type, extra } = request
      if (deleted.has(id)) throw noCredential()
      const read = type === 'x509' ? readX509(request.secret, extra, now()) : undefined
      const known = credentials.find((one) => one.id === id)
      const kept: Kept = {
        ...{ id, projectId, name, type },
        version: (known?.version ?? 0) + 1,
        secret: read === undefined ? request.secret : { private_key: read.key },
        extra:
          read === undefined
            ? extra
            : { certificate: read.certificate, certificate_chain: read.certificate_chain },
      }
      if (request.dry_run !== true && known === undefined) credentials.push(kept)
      if (request.dry_run !== true && known !== undefined) Object.assign(known, kept)
      return {
        credential_id: id,
        version: kept.version,
        certificate: read?.certificate ?? null,
        certificate_chain: read?.certificate_chain ?? null,
      }
    }),
    internalRoute(describeCredentialEndpoint, async ({ params, request }) => {
      const found = find(request.project_id, params.reference ?? '')
      const { id, name, type, extra, projectId, version, limits = {} } = found
      const at = new Date(0).toISOString()
      return {
        ...{ id, project_id: projectId, name, type, description: null, extra, is_active: true, version },
        ...{ limits, expires_at: null, rotate_every_days: null, rotated_at: at, rotation_due_at: null },
        ...{ certificate: null, deleted_at: null, created_at: at, updated_at: at },
      }
    }),
    internalRoute(getTrustEndpoint, async ({ request: { host, port } }) => ({
      host_keys: hostKeys.filter((key) => key.host === host && key.port === port),
      ca_bundles: caBundles.map((certificates, index) => ({
        name: `bundle ${index}`,
        certificates,
        expires_at: new Date(Date.now() + 86_400_000).toISOString(),
      })),
    })),
    internalRoute(reportHostKeyEndpoint, async () => ({ pending: true })),
  ])
  return {
    url: listening.url,
    credentials,
    /** What was asked for, in order. */
    lent,
    /** What every project trusts: keys of SSH hosts, and CA bundles in PEM. */
    hostKeys,
    caBundles,
    /** Ids of those that somebody deleted. */
    deleted,
    add(
      credential: Pick<Kept, 'projectId' | 'name' | 'type' | 'secret' | 'limits'> & {
        extra?: LentCredential['extra']
      },
    ): Kept {
      const added = { id: randomUUID(), version: 1, extra: {}, ...credential }
      credentials.push(added)
      return added
    },
    close: () => listening.close(),
  }
}

const noCredential = () => new AppError('not_found', 'There is no such credential.')

/** As the broker's own type x509 reads it: certificates in any order, the chain without its root. */
function readX509(secret: Record<string, string>, extra: LentCredential['extra'], now: Date) {
  const main = secret.pkcs12 === undefined ? 'private_key' : 'pkcs12'
  try {
    return readTogether(secret, extra, now)
  } catch (error) {
    if (!(error instanceof CertificateFault)) throw error
    const path =
      error.code.endsWith('_passphrase') || error.code === 'passphrase_required' ? 'passphrase' : main
    throw invalidField(`body.secret.${path}`, `is refused: ${error.message}`)
  }
}

function readTogether(
  { private_key, pkcs12, passphrase }: Record<string, string>,
  extra: LentCredential['extra'],
  now: Date,
) {
  const text = [private_key, extra.certificate, extra.certificate_chain].filter(Boolean).join('\n')
  const { certificates, keys } =
    pkcs12 === undefined
      ? parsePem(text, passphrase === undefined ? {} : { passphrase })
      : readPkcs12(Buffer.from(pkcs12, 'base64'), passphrase ?? '')
  const [key, second] = keys
  if (key === undefined) throw new CertificateFault('no_key', 'It holds no private key.')
  if (second !== undefined) throw new CertificateFault('too_many', 'It holds more than one private key.')
  const leaf = findLeaf(certificates, key)
  const { chain, faults } = buildChain({ leaf, candidates: certificates, key, now })
  if (faults[0] !== undefined) throw new CertificateFault('malformed_certificate', faults[0].message)
  return {
    key: keyToPem(key),
    certificate: certificatesToPem([leaf]),
    certificate_chain: certificatesToPem(chain.slice(1)),
  }
}
