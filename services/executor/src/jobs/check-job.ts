import { type JobDefinition, stepsOfJob } from '@opsconductor/contracts'
import type { FieldError } from '@opsconductor/errors'
import { checkVia } from '../bastions/check-via.ts'
import type { ExecutorDeps } from '../deps.ts'
import { findNamedConnectors } from './check-connectors.ts'
import { checkCredentials } from './check-credentials.ts'
import { checkDefinition } from './check-definition.ts'
import { checkOtherJobs } from './check-other-jobs.ts'

export type CheckJobDeps = Pick<ExecutorDeps, 'internal' | 'bastions' | 'jobs' | 'connectorOf'>

/** Every mistake of a job that can be known before it runs, in the definition and in what it names. */
export async function checkJob(
  deps: CheckJobDeps,
  projectId: string,
  definition: JobDefinition,
  /** Of the job that gets a new version. */
  jobId?: string,
): Promise<FieldError[]> {
  const connectors = await findNamedConnectors(deps.connectorOf, projectId, definition)
  const errors = checkDefinition(definition, connectors)
  const faulty = new Set(errors.map(({ path }) => path))
  const steps = stepsOfJob(definition).map(({ step, path }) => ({ step, path: `body.${path}` }))
  const ofNamed = [
    ...(await checkCredentials(deps.internal, projectId, definition)),
    ...(await checkOtherJobs(deps, projectId, definition, jobId)),
    ...(await checkVia(deps.bastions, projectId, steps)),
  ]
  // Nothing is said twice, nor of what a step of an unknown type would take.
  const isNew = ({ path }: FieldError) =>
    !faulty.has(path) && !faulty.has(path.replace(/\.[a-z_]+(?:\[\d+\])?$/, '.type'))
  return [...errors, ...ofNamed.filter(isNew)]
}
