import { namespaceOf, type RunJobRequest, runJobWorkflow, workflowIdOf } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { WorkflowNotFoundError } from '@temporalio/client'
import { z } from 'zod'
import type { Run } from '../runs/store.ts'
import { beginWorkflow } from './begin-workflow.ts'
import { callIdOf } from './call-ids.ts'
import type { ProjectCallDeps } from './project-call-deps.ts'
import { type AdmittedCall, answerMsMax, type Perform, type Served, synchronous } from './serve-call.ts'

/** A job's run is the call's answer; its `status` and `cancel` interfaces are for any run of the job. */
export const performOnJob: Perform = async (deps, call) => {
  const { operation } = call.grant
  if (operation === 'call' || operation === 'start') return await runJob(call)
  const run = await runOfJob(deps, call)
  const client = deps.temporal.clientFor(namespaceOf(call.projectId))
  const handle = client.workflow.getHandle(run.workflowId)
  if (operation === 'query') return synchronous(statusOf(run))
  const asked = client.withDeadline(Date.now() + answerMsMax, () => handle.signal(runJobWorkflow.signal))
  await asked.catch((error: unknown) => {
    if (!(error instanceof WorkflowNotFoundError)) throw error
    throw new AppError('conflict', 'The run has ended already.', { cause: error })
  })
  return synchronous(null)
}

function runJob({ ctx, grant, target, input }: AdmittedCall): Promise<Served> {
  const runId = callIdOf(grant)
  const { job_id: job, job_version: version } = target.workflow
  const request: RunJobRequest = {
    job: job ?? '',
    ...(version === null ? {} : { version }),
    input: input as RunJobRequest['input'],
    run_id: runId,
    trigger: {
      kind: 'connector',
      interface_id: target.interface_id,
      user_id: null,
      api_key_id: null,
      connector: {
        id: grant.connector_id,
        source_project_id: grant.source_project_id,
        source_run_id: grant.run_id,
      },
    },
    call_chain: grant.chain,
    ...(target.output_schema === null ? {} : { output_schema: target.output_schema }),
  }
  return beginWorkflow(
    ctx,
    runJobWorkflow.type,
    { workflowId: workflowIdOf(runId), taskQueue: runJobWorkflow.taskQueue, args: [request] },
    (outcome) => (outcome as { output?: unknown }).output ?? null,
  )
}

const RunReference = z.object({ run_id: z.guid().toLowerCase() })

async function runOfJob(deps: ProjectCallDeps, { projectId, target, input }: AdmittedCall): Promise<Run> {
  const reference = RunReference.safeParse(input)
  if (!reference.success) throw new AppError('validation_failed', 'input.run_id must be the id of a run')
  const run = await deps.runs.find(projectId, reference.data.run_id)
  if (run === undefined || run.jobId !== target.workflow.job_id)
    throw new AppError('target_missing', 'The job has no such run.')
  return run
}

/** As the run's row has it: the same whether its workflow is still known or not. */
const statusOf = ({ id, status, output, error }: Run) => ({
  run_id: id,
  status,
  ...(status === 'succeeded' ? { output } : {}),
  ...(error === null ? {} : { error }),
})
