import { Id, type JobVersion } from '@opsconductor/contracts'
import type { ExecutorDeps } from '../deps.ts'
import { unknownJob } from './save-job.ts'
import type { Job } from './store.ts'

export async function getJob(
  deps: Pick<ExecutorDeps, 'jobs'>,
  projectId: string,
  id: string,
  version?: number,
): Promise<Job> {
  const job = await deps.jobs.find(projectId, id, version)
  if (job === undefined) throw unknownJob()
  return job
}

/** For the registry, which publishes it: whoever calls it next must find a worker. */
export async function getJobVersion(
  deps: Pick<ExecutorDeps, 'jobs' | 'workers'>,
  id: string,
  request: { project_id: string; version?: number | undefined },
): Promise<JobVersion> {
  if (!Id.safeParse(id).success) throw unknownJob()
  const job = await getJob(deps, request.project_id, id, request.version)
  await deps.workers.serve(job.projectId)
  return {
    job_id: job.id,
    project_id: job.projectId,
    version: job.version,
    name: job.name,
    input_schema: job.definition.input_schema,
  }
}
