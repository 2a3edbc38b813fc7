import { type CreateJob, executorTopics, type JobDefinition } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import type { ExecutorDeps } from '../deps.ts'
import { type CheckJobDeps, checkJob } from './check-job.ts'
import type { Job, JobDraft } from './store.ts'

type JobRequest = z.infer<typeof CreateJob>

/** Checks a job and writes it as version 1. */
export async function createJob(
  deps: ExecutorDeps,
  projectId: string,
  by: string,
  request: JobRequest,
): Promise<Job> {
  const draft = await checkedDraft(deps, projectId, by, request)
  const job = await deps.jobs.insert(projectId, draft, {
    topic: executorTopics.projectActive,
    key: projectId,
  })
  deps.events.jobSaved({ projectId, jobId: job.id, version: job.version, by })
  return job
}

/** Checks a job's new definition and writes it as its next version; runs and interfaces of older versions keep theirs. */
export async function addJobVersion(
  deps: ExecutorDeps,
  projectId: string,
  by: string,
  id: string,
  request: JobRequest,
): Promise<Job> {
  if ((await deps.jobs.find(projectId, id)) === undefined) throw unknownJob()
  const draft = await checkedDraft(deps, projectId, by, request, id)
  const job = await deps.jobs.addVersion(projectId, id, draft)
  if (job === undefined) throw unknownJob()
  deps.events.jobSaved({ projectId, jobId: id, version: job.version, by })
  return job
}

export const unknownJob = () => new AppError('not_found', 'There is no such job.')

async function checkedDraft(
  deps: CheckJobDeps,
  projectId: string,
  by: string,
  { name, description, ...rest }: JobRequest,
  jobId?: string,
): Promise<JobDraft> {
  const definition: JobDefinition = rest
  const errors = await checkJob(deps, projectId, definition, jobId)
  if (errors.length > 0) {
    const shown = errors.slice(0, 20)
    const detail = shown.map(({ path, message }) => `${path} ${message}`).join('; ')
    throw new AppError('validation_failed', detail.slice(0, 1000), { errors: shown })
  }
  return { name, description, definition, by }
}
