import { type JobDefinition, runDepthMax, stepsOfJob } from '@opsconductor/contracts'
import type { FieldError } from '@opsconductor/errors'
import type { ExecutorDeps } from '../deps.ts'

/** Other jobs that are looked at for one; what is beyond them ends at the limit of nested runs. */
const jobsMax = 100

interface Named {
  job: string
  version: number | undefined
}

/** Each job that a step runs must be the project's, and must not run this one again. `jobId`: undefined for a new one. */
export async function checkOtherJobs(
  { jobs }: Pick<ExecutorDeps, 'jobs'>,
  projectId: string,
  definition: Pick<JobDefinition, 'steps' | 'finally'>,
  jobId: string | undefined,
): Promise<FieldError[]> {
  const seen = new Set<string>()
  const runsThis = async (named: Named, depth: number): Promise<boolean> => {
    const found = await jobs.findNamed(projectId, named.job, named.version)
    if (found === undefined) return false
    if (found.id === jobId) return true
    const key = `${found.id}:${found.version}`
    if (depth >= runDepthMax || seen.has(key) || seen.size >= jobsMax) return false
    seen.add(key)
    for (const { step } of stepsOfJob(found.definition)) {
      const next = namedBy(step)
      if (next !== undefined && (await runsThis(next, depth + 1))) return true
    }
    return false
  }
  const errors: FieldError[] = []
  for (const { step, path } of stepsOfJob(definition)) {
    const named = namedBy(step)
    if (named === undefined) continue
    const at = `body.${path}.input.job`
    if ((await jobs.findNamed(projectId, named.job, named.version)) === undefined)
      errors.push({ path: at, message: 'is not a job of this project, or has no such version' })
    else if (jobId !== undefined && (await runsThis(named, 1)))
      errors.push({ path: at, message: 'runs this job again' })
  }
  return errors
}

function namedBy({ type, input }: JobDefinition['steps'][number]): Named | undefined {
  if (type !== 'job.run' || typeof input.job !== 'string' || input.job.includes('{{')) return undefined
  return { job: input.job, version: typeof input.version === 'number' ? input.version : undefined }
}
