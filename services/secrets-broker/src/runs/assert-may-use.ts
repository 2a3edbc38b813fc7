import { CredentialLimits, type PinnedRun, type UseCredential } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { CheckGrants } from '../checks/check-grants.ts'
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
 * Refuses a use that no check was granted for, or that is not what the run's job version says: throws `forbidden`,
 * whose text is for the access log, or `service_unavailable` where the executor cannot be asked.
 */
export async function assertMayUse(
  deps: { pinnedRuns: PinnedRuns; checkGrants: CheckGrants },
  { project_id: projectId, run_id: runId, step_id: stepId, check_id: checkId }: UseCredential,
  credential: WantedCredential,
): Promise<Permit> {
  const limits = CredentialLimits.parse(credential.limits)
  const permit = { limitsHosts: limits.hosts ?? null, limitsCaBundles: limits.ca_bundles ?? null }
  if (checkId !== undefined) {
    if (deps.checkGrants.take(checkId, { projectId, credentialId: credential.id })) return permit
    throw new AppError('forbidden', 'No check of this credential was granted under this id.')
  }
  const run = await deps.pinnedRuns.find(runId as string)
  if (run === undefined) throw new AppError('forbidden', 'There is no such run.')
  const use = { run, stepId: stepId as string, projectId, credential, limits }
  const broken = rules.find((rule) => !rule.holds(use))
  if (broken !== undefined) throw new AppError('forbidden', broken.otherwise)
  return permit
}

interface Use {
  run: PinnedRun
  stepId: string
  projectId: string
  credential: WantedCredential
  limits: CredentialLimits
}

const stepOf = ({ run, stepId }: Use) => run.steps.find(({ id }) => id === stepId)

/** The first that does not hold is the reason. */
const rules: readonly { otherwise: string; holds(use: Use): boolean }[] = [
  {
    otherwise: 'The run is of another project.',
    holds: ({ run, projectId }) => run.project_id.toLowerCase() === projectId.toLowerCase(),
  },
  {
    otherwise: 'The run has ended.',
    holds: ({ run }) => run.status === 'queued' || run.status === 'running',
  },
  {
    otherwise: "The run's job version has no such step.",
    holds: (use) => stepOf(use) !== undefined,
  },
  {
    otherwise: 'The step does not name this credential.',
    holds: (use) => stepOf(use)?.credentials.some((reference) => names(reference, use.credential)) ?? false,
  },
  {
    otherwise: "The credential's limits do not name this job.",
    holds: ({ limits, run }) => limits.jobs?.includes(run.job_id.toLowerCase()) ?? true,
  },
  {
    otherwise: "The credential's limits do not name this step type.",
    holds: (use) => use.limits.step_types?.includes(stepOf(use)?.type as string) ?? true,
  },
]

/** A name is never a UUID, so a reference is one or the other. */
const names = (reference: string, { id, name }: WantedCredential): boolean =>
  reference === name || reference.toLowerCase() === id
