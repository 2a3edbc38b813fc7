import { type Caller, projectOf } from '@opsconductor/auth'
import {
  type CreateWorkflow,
  getJobVersionEndpoint,
  type JobVersion,
  namespaceOf,
  runJobWorkflow,
} from '@opsconductor/contracts'
import { refuseTaken } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import { ensureNamespace } from '@opsconductor/temporal'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { insertWorkflow, type NewWorkflow, type WorkflowRecord } from './store.ts'

type Request = z.infer<typeof CreateWorkflow>
type JobRequest = Extract<Request, { job_id: string }>

/** Exposes a job (its version pinned) or a long-lived workflow of the project, and makes the project's namespace. */
export async function createWorkflow(deps: Deps, caller: Caller, request: Request): Promise<WorkflowRecord> {
  const projectId = projectOf(caller)
  const workflow: NewWorkflow =
    'job_id' in request
      ? ofJob(projectId, request, await findJob(deps, projectId, request))
      : {
          projectId,
          name: request.name,
          kind: 'workflow',
          jobId: null,
          jobVersion: null,
          workflowType: request.workflow_type,
          taskQueue: request.task_queue,
          workflowId: request.workflow_id,
        }
  await ensureNamespace(deps.temporal.connection, namespaceOf(projectId))
  const created = await insertWorkflow(deps.prisma, workflow).catch(
    refuseTaken(`The project has a workflow named ${workflow.name}; give another name.`, {
      message: 'is taken in this project',
    }),
  )
  deps.events.workflowCreated(caller, created)
  return created
}

async function findJob({ internal }: Deps, projectId: string, request: JobRequest): Promise<JobVersion> {
  try {
    return await internal.call(
      getJobVersionEndpoint,
      { project_id: projectId, version: request.version },
      { params: { id: request.job_id } },
    )
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'not_found') throw error
    const message = 'is not a job (and version) of this project'
    throw new AppError('validation_failed', `body.job_id ${message}`, {
      errors: [{ path: 'body.job_id', message }],
    })
  }
}

const ofJob = (projectId: string, request: JobRequest, job: JobVersion): NewWorkflow => ({
  projectId,
  name: request.name ?? slugOf(job.name),
  kind: 'job',
  jobId: job.job_id,
  jobVersion: job.version,
  workflowType: runJobWorkflow.type,
  taskQueue: runJobWorkflow.taskQueue,
  workflowId: null,
})

/** `Restart web-01!` → `restart-web-01`. */
export function slugOf(name: string): string {
  const words = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '')
    .match(/[a-z0-9]+/g)
  const slug = (words ?? [])
    .join('-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 100)
    .replace(/-$/, '')
  return slug === '' ? 'job' : slug
}
