import { createHash, randomUUID } from 'node:crypto'
import { type Caller, callerLabel, projectOf } from '@opsconductor/auth'
import {
  namespaceOf,
  type RunJobInput,
  type RunTrigger,
  runJobWorkflow,
  type StartRun,
  workflowIdOf,
} from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { checkedIdempotencyKey, idFor } from '@opsconductor/service-kit'
import { temporalUnavailable } from '@opsconductor/temporal'
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import type { z } from 'zod'
import type { ExecutorDeps } from '../deps.ts'
import { getJob } from '../jobs/get-job.ts'
import { checkInput } from './check-input.ts'
import type { Run } from './store.ts'

const startMs = 5_000
/** It goes into a history in one piece, of which the server takes 2 MB. */
const inputBytesMax = 1024 * 1024

/** Starts a run of a job, or answers the run that the same caller started with the same Idempotency-Key. */
export async function startRun(
  deps: Pick<ExecutorDeps, 'jobs' | 'runs' | 'temporal' | 'workers' | 'events'>,
  caller: Caller,
  jobId: string,
  request: z.infer<typeof StartRun>,
  idempotencyKey: string | undefined,
): Promise<Run> {
  const projectId = projectOf(caller)
  const job = await getJob(deps, projectId, jobId, request.version)
  if (Buffer.byteLength(JSON.stringify(request.input)) > inputBytesMax)
    throw new AppError('body_too_large', `The input is larger than ${inputBytesMax} bytes.`)
  checkInput(job.definition.input_schema, request.input)
  const by = callerLabel(caller)
  const id =
    idempotencyKey === undefined
      ? randomUUID()
      : idFor(projectId, by, jobId, checkedIdempotencyKey(idempotencyKey))
  const bodyHash = createHash('sha256').update(JSON.stringify(request)).digest('hex')
  const run = await deps.runs.ensure({
    id,
    jobId,
    jobVersion: job.version,
    projectId,
    trigger: triggerOf(caller),
    input: request.input,
    workflowId: workflowIdOf(id),
    bodyHash,
  })
  if (run.bodyHash !== bodyHash)
    throw new AppError('idempotency_mismatch', 'The Idempotency-Key was used with another request.')
  if (run.status === 'queued') await startWorkflow(deps, run)
  deps.events.runAsked({ projectId, runId: id, by })
  return run
}

/** A second start of the same run is no second run, so a row left queued by a crash is taken up by the next try. */
async function startWorkflow(
  deps: Pick<ExecutorDeps, 'temporal' | 'runs' | 'workers'>,
  run: Run,
): Promise<void> {
  try {
    // A namespace that is asked for before its worker made it stays unknown to Temporal for seconds.
    if (!deps.workers.serves(run.projectId)) await deps.temporal.ready()
    await deps.workers.serve(run.projectId)
    await askTemporal(deps, run)
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return
    // Not known whether it came through: the row stays only if the workflow took it up.
    await deps.runs.removeQueued(run.id)
    throw temporalUnavailable(error) ?? error
  }
}

async function askTemporal({ temporal }: Pick<ExecutorDeps, 'temporal'>, run: Run): Promise<void> {
  const input: RunJobInput = {
    run_id: run.id,
    job_id: run.jobId,
    version: run.jobVersion,
    input: run.input as RunJobInput['input'],
    trigger: run.trigger,
    body_hash: run.bodyHash,
  }
  await temporal.connection.withDeadline(Date.now() + startMs, () =>
    temporal.clientFor(namespaceOf(run.projectId)).workflow.start(runJobWorkflow.type, {
      taskQueue: runJobWorkflow.taskQueue,
      workflowId: run.workflowId,
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      args: [input],
      memo: { body_hash: run.bodyHash },
    }),
  )
}

function triggerOf(caller: Caller): RunTrigger {
  return {
    kind: 'api',
    interface_id: null,
    user_id: caller.kind === 'user' ? caller.userId : null,
    api_key_id: caller.kind === 'api_key' ? caller.keyId : null,
  }
}
