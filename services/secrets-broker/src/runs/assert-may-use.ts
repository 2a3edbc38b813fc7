import { CredentialLimits, type PinnedRun, type UseCredential } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { InternalClient } from '@opsconductor/service-kit'
import type { CheckGrants } from '../checks/check-grants.ts'
import { assertOperationMayUse } from '../operations/assert-operation-may-use.ts'
import type { PinnedRuns } from './pinned-runs.ts'

export interface WantedCredential {
  id: string
  name: string
  /** As the row holds them. */
  limits: unknown
}

/** What of the credential's limits the borrower holds itself to. */
export interface Permit {
  /** In lower case; null where any host may have it. */
  limitsHosts: string[] | null
  /** By name; null where the authorities that every step trusts will do. */
  limitsCaBundles: string[] | null
}

/**
 * Refuses a use that no check was granted for, or that is not what the run's job version or the operation says: throws
 * `forbidden`, whose text is for the access log, or `service_unavailable` where the executor or cert-agent cannot be asked.
 */
export async function assertMayUse(
  deps: { pinnedRuns: PinnedRuns; checkGrants: CheckGrants; internal: Pick<InternalClient, 'call'> },
  asked: UseCredential,
  credential: WantedCredential,
): Promise<Permit> {
  const { project_id: projectId, check_id: checkId, operation_id: operationId } = asked
  if (operationId !== undefined) {
    await assertOperationMayUse(deps.internal, { operationId, projectId, credentialId: credential.id })
    return permitWithin(credential.limits, 'operation')
  }
  if (checkId === undefined) {
    const borrower = await findBorrower(deps.pinnedRuns, asked)
    if (!borrower.step.credentials.some((reference) => names(reference, credential)))
      throw new AppError('forbidden', 'The step does not name this credential.')
    return permitWithin(credential.limits, borrower)
  }
  const permit = permitWithin(credential.limits)
  if (deps.checkGrants.take(checkId, { projectId, credentialId: credential.id })) return permit
  throw new AppError('forbidden', 'No check of this credential was granted under this id.')
}

/** A step of a run that has not ended. */
export interface Borrower {
  run: PinnedRun
  step: PinnedRun['steps'][number]
}

/** Throws `forbidden` where there is no such step, or `service_unavailable` where the executor cannot be asked. */
export async function findBorrower(
  pinnedRuns: PinnedRuns,
  { project_id: projectId, run_id: runId, step_id: stepId }: UseCredential,
): Promise<Borrower> {
  const run = await pinnedRuns.find(runId as string)
  if (run === undefined) throw new AppError('forbidden', 'There is no such run.')
  if (run.project_id.toLowerCase() !== projectId.toLowerCase())
    throw new AppError('forbidden', 'The run is of another project.')
  if (run.status !== 'queued' && run.status !== 'running')
    throw new AppError('forbidden', 'The run has ended.')
  const step = run.steps.find(({ id }) => id === stepId)
  if (step === undefined) throw new AppError('forbidden', "The run's job version has no such step.")
  return { run, step }
}

/** What a credential with these limits may be used for; without a borrower it is a check. Throws `forbidden`. */
export function permitWithin(given: unknown, borrower?: Borrower | 'operation'): Permit {
  const limits = CredentialLimits.parse(given)
  if (borrower === 'operation') {
    if (limits.jobs !== undefined || limits.step_types !== undefined)
      throw new AppError(
        'forbidden',
        "The credential's limits name jobs or step types, and an operation on certificates is neither.",
      )
  } else if (borrower !== undefined) {
    if (limits.jobs?.includes(borrower.run.job_id.toLowerCase()) === false)
      throw new AppError('forbidden', "The credential's limits do not name this job.")
    if (limits.step_types?.includes(borrower.step.type) === false)
      throw new AppError('forbidden', "The credential's limits do not name this step type.")
  }
  return { limitsHosts: limits.hosts ?? null, limitsCaBundles: limits.ca_bundles ?? null }
}

/** A name is never a UUID, so a reference is one or the other. */
const names = (reference: string, { id, name }: Pick<WantedCredential, 'id' | 'name'>): boolean =>
  reference === name || reference.toLowerCase() === id
