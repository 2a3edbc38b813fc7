import { CertificateName, type Challenge } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { SecretValue } from '@opsconductor/redact'
import type { Acme } from '../acme/open-acme.ts'
import type { AcmeDeps } from '../acme/open-transport.ts'
import { acmeTypeOf } from '../acme/problem.ts'
import { renewalIdOf } from '../acme/renewal-info.ts'
import { openAccount } from '../acme-accounts/open-account.ts'
import type { StoredAcmeAccount } from '../acme-accounts/store.ts'
import type { StoredCertificate } from '../certificates/store.ts'
import type { SolverDeps } from '../challenges/solver-deps.ts'
import { solverFor } from '../challenges/solver-for.ts'
import type { Deps } from '../deps.ts'
import { checkIssued, type Issued } from './check-issued.ts'
import { auditOf, keepVersion } from './keep-version.ts'
import { type KeyDeps, type KeyWork, keyForNextVersion } from './key-of-version.ts'
import { failuresBeforeRehearsal, rehearse } from './rehearse.ts'
import { createOrder, type IssuingStep, type OrderWork, runOrder } from './run-order.ts'
import { takeUpOrder } from './take-up-order.ts'

export type IssuingDeps = AcmeDeps &
  KeyDeps &
  SolverDeps &
  Pick<Deps, 'certificates' | 'acmeAccounts' | 'audit'>

export interface IssueWork extends KeyWork {
  certificateId: string
  onProgress(step: IssuingStep): void
}

/**
 * The next version of a certificate: ordered, with control shown over its names, and kept. May be run again at any point:
 * an order under way is taken up, and what was kept is not issued twice. Answers the version.
 */
export async function issueCertificate(deps: IssuingDeps, given: IssueWork): Promise<{ version: number }> {
  const certificate = await deps.certificates.findById(given.certificateId)
  if (certificate === undefined) throw new AppError('not_found', 'There is no such certificate (any more).')
  assertNames(certificate.names)
  const account = await accountOf(deps, certificate)
  const { projectId, names } = certificate
  const challenges = certificate.challenges as Challenge[]
  const solver = solverFor(deps, { projectId, challenges, ...given })
  for (const name of names) solver.choose(name)
  const work = { ...given, names, solver }
  try {
    if (certificate.failures >= failuresBeforeRehearsal && account.stagingDirectoryUrl !== null)
      await rehearse(
        deps,
        { ...account, stagingDirectoryUrl: account.stagingDirectoryUrl },
        certificate,
        work,
      )
    const acme = await openAccount(deps, account, given)
    try {
      const issued = await obtain(deps, acme, { certificate, account }, work)
      given.onProgress('keeping')
      return { version: await keepVersion(deps, certificate, issued, given) }
    } finally {
      await acme.close()
    }
  } catch (error) {
    await deps.audit.record({
      ...auditOf(certificate, given),
      outcome: 'failed',
      detail: { code: error instanceof AppError ? error.code : 'internal_error', names },
    })
    throw error
  }
}

/** Rows are checked when they are written; nothing else is ever asked of a CA, a DNS provider or a server. */
function assertNames(names: readonly string[]): void {
  const errors = names.flatMap((name, index) =>
    CertificateName.safeParse(name).success
      ? []
      : [{ path: `names[${index}]`, message: 'is not a name that a certificate can be for' }],
  )
  const [first] = errors
  if (first !== undefined)
    throw new AppError('validation_failed', `${first.path} ${first.message}`, { errors })
}

async function accountOf(
  deps: Pick<Deps, 'acmeAccounts' | 'now'>,
  { projectId, acmeAccountId }: StoredCertificate,
): Promise<StoredAcmeAccount> {
  const account = acmeAccountId === null ? undefined : await deps.acmeAccounts.find(projectId, acmeAccountId)
  if (account === undefined)
    throw new AppError(
      'conflict',
      'The certificate has no account at a certificate authority: it was imported.',
    )
  const { blockedUntil } = account
  const seconds = Math.ceil(((blockedUntil?.getTime() ?? 0) - deps.now().getTime()) / 1_000)
  if (blockedUntil !== null && seconds > 0)
    throw new AppError(
      'too_many_requests',
      `The certificate authority asked not to be asked again before ${blockedUntil.toISOString()}.`,
      { retryAfterSeconds: seconds },
    )
  return account
}

interface Wish {
  certificate: StoredCertificate
  account: StoredAcmeAccount
}
type Work = Omit<OrderWork, 'key'> & IssueWork

async function obtain(
  deps: IssuingDeps,
  acme: Acme,
  { certificate, account }: Wish,
  work: Work,
): Promise<Issued & { key: SecretValue }> {
  const { names } = certificate
  try {
    const found = await takeUpOrder(deps, acme, certificate, work)
    const order = found.order ?? (await orderAnew(deps, acme, certificate, work))
    // One that the order was finalized with must be its key for ever.
    let key = found.key
    const getKey = async () => {
      key ??= await keyForNextVersion(deps, certificate, work)
      return key
    }
    const done = await runOrder(acme, order, { ...work, key: getKey })
    const pem = found.pem ?? (await acme.download(done))
    const known = await getKey()
    return { ...checkIssued(pem, { key: known, names, now: deps.now() }), key: known }
  } catch (error) {
    if (error instanceof AppError) await heed(deps, { certificate, account }, error)
    throw error
  }
}

/** What a refusal means for the attempts that come after it. */
async function heed(deps: IssuingDeps, { certificate, account }: Wish, error: AppError): Promise<void> {
  if (error.code === 'target_refused') await deps.certificates.forgetOrder(certificate.id)
  if (error.code !== 'too_many_requests' || acmeTypeOf(error) === undefined) return
  const seconds = Math.min(error.retryAfterSeconds ?? blockedSecondsMax, blockedSecondsMax)
  await deps.acmeAccounts.block(account.id, new Date(deps.now().getTime() + seconds * 1_000))
}

/**
 * Most limits are of some names, and a CA counts them for up to a week: this certificate waits for as long as it was told
 * to, the account's others no longer than this.
 */
const blockedSecondsMax = 900

async function orderAnew(deps: IssuingDeps, acme: Acme, certificate: StoredCertificate, work: Work) {
  work.onProgress('ordering')
  const { id, names, profile, acmeAccountId } = certificate
  const order = await createOrder(acme, names, {
    profile: profile ?? undefined,
    replaces: await replacedBy(deps, acme, certificate),
  })
  await deps.certificates.setState(id, {
    orderUnderWay: { url: order.url, account_id: acmeAccountId, profile, names },
  })
  await deps.audit.record({
    ...auditOf(certificate, work),
    action: 'acme.order',
    outcome: 'succeeded',
    detail: { names, order_url: order.url },
  })
  return order
}

/** So that the CA knows of a renewal as one, which its limits may spare. */
async function replacedBy(
  deps: Pick<Deps, 'certificates'>,
  acme: Acme,
  { id, version, acmeAccountId }: StoredCertificate,
): Promise<string | undefined> {
  if (version === 0 || (await acme.directory()).renewalInfo === undefined) return undefined
  const newest = await deps.certificates.findVersion(id, version)
  if (newest === undefined || newest.revokedAt !== null || newest.acmeAccountId !== acmeAccountId)
    return undefined
  return renewalIdOf(newest.certificatePem)
}
