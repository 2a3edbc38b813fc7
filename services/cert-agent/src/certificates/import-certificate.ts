import { randomUUID } from 'node:crypto'
import { type Caller, callerLabel, projectOf } from '@opsconductor/auth'
import {
  CertificateName,
  type ImportCertificate,
  keepCredentialEndpoint,
  namesMax,
} from '@opsconductor/contracts'
import { AppError, toAppError } from '@opsconductor/errors'
import type { z } from 'zod'
import { assertMayManage, assertMaySeeCertificate } from '../client-limits/assert-may-manage.ts'
import { wishDeployments } from '../deployments/wish-deployments.ts'
import type { Deps } from '../deps.ts'
import { endOperation } from '../operations/end-operation.ts'
import type { OperationDeps } from '../operations/operation-deps.ts'
import { assertCoversVhosts } from '../vhosts/assert-covers-vhosts.ts'
import { assertCoversOwnVhosts } from './assert-covers-own-vhosts.ts'
import { checkWish, refuse } from './check-wish.ts'
import { describeKind, describeVersion, type NewVersion } from './describe-version.ts'
import { unknownCertificate } from './find-certificate.ts'
import type { StoredCertificate } from './store.ts'

type Request = z.infer<typeof ImportCertificate>
type Needed = OperationDeps & Pick<Deps, 'clientLimits' | 'internal' | 'leases' | 'vhosts'>

/** An encrypted bundle may be opened for long, and waits for others. */
const keepMsMax = 60_000

/** What the certificate is, once nothing is wrong with it. */
interface Checked {
  id: string
  credentialId: string
  path: string
  names: string[]
  keyType: string
}

interface Work extends Request {
  projectId: string
  operationId: string
  actor: string
}

/**
 * A certificate with its key, from elsewhere; under the name of one that was imported before it is its next version. Key and
 * passphrase go to the broker as they came, which opens them, checks them and keeps the key: nothing of them stays here.
 */
export async function importCertificate(
  deps: Needed,
  caller: Caller,
  request: Request,
  signal: AbortSignal,
): Promise<StoredCertificate> {
  const projectId = projectOf(caller)
  const known = await deps.certificates.findNamed(projectId, request.name)
  if (known !== undefined) await assertMaySeeCertificate(deps, caller, known.id)
  if (known !== undefined && known.source !== 'import') throw isIssued()
  await checkWish(deps, projectId, { vhostIds: request.vhost_ids })
  await assertMayManage(deps, caller, [
    ...(await deps.certificates.serversOfVhosts(request.vhost_ids)),
    ...(known === undefined ? [] : await deps.deployments.serversNaming(known.id)),
  ])
  const actor = callerLabel(caller)
  const { id: operationId } = await deps.operations.insert(
    { projectId, kind: 'import', actor, certificateId: known?.id, request: { name: request.name } },
    'running',
  )
  const work: Work = { ...request, projectId, operationId, actor }
  try {
    const certificate = await keepChecked(deps, work, known, signal)
    await deps.audit.record({
      ...{ projectId, actor, operationId, certificateId: certificate.id },
      ...{ action: 'certificate.import', outcome: 'succeeded', detail: { version: certificate.version } },
    })
    await deploy(deps, certificate, actor)
    const result = { certificate_id: certificate.id, version: certificate.version }
    await endOperation(deps, operationId, { state: 'succeeded', result })
    return certificate
  } catch (error) {
    const { code, message } = toAppError(error)
    await endOperation(deps, operationId, { state: 'failed', error: { code, message } })
    throw error
  }
}

const isIssued = () =>
  new AppError('conflict', 'The project has a certificate of this name that it had issued.', {
    errors: [{ path: 'body.name', message: 'is the name of a certificate that is issued here' }],
  })

/**
 * All that can be refused is refused first, and the row is there before its key is kept: who dies between leaves one without
 * a version, with which the next import under the name goes on.
 */
async function keepChecked(
  deps: Needed,
  work: Work,
  known: StoredCertificate | undefined,
  signal: AbortSignal,
): Promise<StoredCertificate> {
  const path = work.pem === undefined ? 'body.pkcs12' : 'body.pem'
  const id = known?.id ?? randomUUID()
  const { credentialId, version } = await checkFirst(deps, work, path, known?.credentialId ?? id)
  const { keyType, isCa } = describeKind(version.certificatePem)
  if (isCa) refuse([{ path, message: 'is the certificate of an authority, not of a server' }])
  const names = namesOf(version, path)
  await assertCoversVhosts(deps, names, work.vhost_ids)
  await assertCoversOwnVhosts(deps, id, names, path)
  const { projectId, name, actor } = work
  if (known === undefined)
    await deps.certificates.insert(
      {
        ...{ id, projectId, name, names, source: 'import', keyType },
        ...{ autoRenew: false, createdBy: actor },
      },
      [],
    )
  return deps.leases.withLease(`certificate:${id}`, signal, () =>
    keep(deps, work, { id, path, names, keyType, credentialId }),
  )
}

/** Under which id the broker will keep it: another one where somebody deleted what was kept. */
async function checkFirst(deps: Needed, work: Work, path: string, known: string) {
  const ask = async (credentialId: string) => ({
    credentialId,
    version: await askBroker(deps, work, { path, credentialId, dryRun: true }),
  })
  return ask(known).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'not_found') return ask(randomUUID())
    throw error
  })
}

/** What is begun is ended, also where the client has gone: key and certificate belong together. */
async function keep(
  deps: Needed,
  work: Work,
  { id, path, names, keyType, credentialId }: Checked,
): Promise<StoredCertificate> {
  const certificate = await deps.certificates.findById(id)
  if (certificate === undefined) throw unknownCertificate()
  const newest = await deps.certificates.findVersion(id, certificate.version)
  const version = await askBroker(deps, work, { path, credentialId, dryRun: false })
  if (newest?.fingerprintSha256 === version.fingerprintSha256) {
    await deps.certificates.setState(id, { credentialId })
    return deps.certificates.nameInVhosts(certificate, work.vhost_ids)
  }
  return deps.certificates.addVersion({ id, credentialId, names, keyType }, version, work.vhost_ids)
}

/** `dryRun`: it opens and checks all of it, and keeps nothing. */
async function askBroker(
  { internal }: Needed,
  { projectId, operationId, name, pem, pkcs12, passphrase }: Work,
  { path, credentialId, dryRun }: { path: string; credentialId: string; dryRun: boolean },
): Promise<NewVersion> {
  const kept = await internal
    .call(
      keepCredentialEndpoint,
      {
        ...{ project_id: projectId, operation_id: operationId, credential_id: credentialId, type: 'x509' },
        name: `certificate ${name} (${credentialId.slice(0, 8)})`,
        secret: {
          ...(pem === undefined ? {} : { private_key: pem }),
          ...(pkcs12 === undefined ? {} : { pkcs12 }),
          ...(passphrase === undefined ? {} : { passphrase }),
        },
        extra: {},
        dry_run: dryRun,
      },
      { timeoutMs: keepMsMax },
    )
    .catch((error: unknown) => {
      throw inOurWords(error, path)
    })
  return describeVersion(kept.certificate ?? '', kept.certificate_chain ?? '')
}

/** What the broker says of the fields that it was given, of those that we were given. */
function inOurWords(error: unknown, path: string): unknown {
  if (!(error instanceof AppError) || error.code !== 'validation_failed') return error
  const errors = (error.errors ?? []).map(({ path: at, message }) => ({
    path: at.endsWith('.passphrase') ? 'body.passphrase' : path,
    message,
  }))
  const detail = errors
    .map((one) => `${one.path} ${one.message}`)
    .join('; ')
    .slice(0, 1_000)
  return new AppError('validation_failed', detail || `${path} is refused`, { errors })
}

/** Names that no certificate of ours could have are left out: it is shown and probed under the others. */
function namesOf({ names }: NewVersion, path: string): string[] {
  const ours = [...new Set(names)].filter((name) => CertificateName.safeParse(name).success)
  if (ours.length === 0) refuse([{ path, message: 'is for no DNS name and no address' }])
  if (ours.length > namesMax) refuse([{ path, message: `is for more than ${namesMax} names` }])
  return ours
}

async function deploy(deps: Needed, certificate: StoredCertificate, actor: string): Promise<void> {
  const serverIds = await deps.deployments.serversNaming(certificate.id)
  if (serverIds.length > 0) await wishDeployments(deps, certificate, { actor, serverIds })
}
