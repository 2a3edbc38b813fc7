import { hashJson } from '@opsconductor/auth'
import { namespaceOf, type RunJobInput, runJobWorkflow, workflowIdOf } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { Reply } from '@opsconductor/service-kit'
import { ensureNamespace } from '@opsconductor/temporal'
import {
  type Client,
  NamespaceNotFoundError,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import type { Call, CallContext } from './call-context.ts'
import { describeRun, type FoundRun, outcomeOfClosed, type RunMemo } from './find-run.ts'
import { outcomeReply, parseOutcome } from './outcome-reply.ts'
import { identifyRun, type RunIdentity } from './run-identity.ts'
import { fromTemporal, idempotencyMismatch } from './temporal-errors.ts'

/**
 * Starts a job's run and waits for its end, or joins the run that the same Idempotency-Key started: one call to Temporal
 * (update-with-start). 202 with a status URL where the run outlasts the wait.
 */
export async function startRun(context: CallContext, call: Call): Promise<Reply> {
  const { target, key, deps } = context
  const bodyHash = hashJson(call.input)
  const identity = identifyRun(target.interfaceId, key.key_id, call.idempotencyKey, bodyHash)
  call.setRunId(identity.runId)
  const client = deps.temporal.clientFor(namespaceOf(target.projectId))
  deps.announceUse(target.projectId)
  try {
    return outcomeReply(target, parseOutcome(await execute(context, client, identity, call.input, bodyHash)))
  } catch (error) {
    if (error instanceof NamespaceNotFoundError) {
      await ensureNamespace(deps.temporal.connection, namespaceOf(target.projectId))
      throw new AppError('service_unavailable', 'The project is being made ready; try again.', {
        retryAfterSeconds: 2,
      })
    }
    if (!mayStillRun(error)) throw fromTemporal(error)
    return await joinRun(context, client, identity.runId, bodyHash)
  }
}

function execute(
  { deps, target, key, signal }: CallContext,
  client: Client,
  { runId, updateId }: RunIdentity,
  input: unknown,
  bodyHash: string,
): Promise<unknown> {
  const argument = {
    run_id: runId,
    job_id: target.jobId as string,
    version: target.jobVersion as number,
    input: input as RunJobInput['input'],
    trigger: {
      kind: 'public_interface',
      interface_id: target.interfaceId,
      user_id: null,
      api_key_id: key.key_id,
    },
    body_hash: bodyHash,
  } satisfies RunJobInput
  const memo: RunMemo = {
    interface_id: target.interfaceId,
    api_key_id: key.key_id,
    body_hash: bodyHash,
    registry_workflow_id: target.workflowId,
    update_id: updateId,
  }
  const patience = AbortSignal.any([signal, AbortSignal.timeout(deps.config.CALL_WAIT_SECONDS * 1000)])
  return client.withAbortSignal(patience, () =>
    client.workflow.executeUpdateWithStart(runJobWorkflow.update, {
      args: [{ body_hash: bodyHash }],
      updateId,
      startWorkflowOperation: new WithStartWorkflowOperation(runJobWorkflow.type, {
        workflowId: workflowIdOf(runId),
        taskQueue: runJobWorkflow.taskQueue,
        args: [argument],
        memo: { ...memo },
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
      }),
    }),
  )
}

/** The wait ran out, or the run with this id had ended before: the run itself says what became of it. */
function mayStillRun(error: unknown): boolean {
  if (error instanceof WorkflowUpdateFailedError) return !(error.cause instanceof ApplicationFailure)
  return (
    error instanceof WorkflowUpdateRPCTimeoutOrCancelledError ||
    error instanceof WorkflowExecutionAlreadyStartedError ||
    error instanceof WorkflowNotFoundError
  )
}

async function joinRun(
  { deps, target }: CallContext,
  client: Client,
  runId: string,
  bodyHash: string,
): Promise<Reply> {
  let run: FoundRun | undefined
  try {
    run = await describeRun(client, runId)
    if (run !== undefined && run.memo.body_hash !== bodyHash) throw idempotencyMismatch()
    if (run?.status === 'closed') return outcomeReply(target, await outcomeOfClosed(client, run))
  } catch (error) {
    throw fromTemporal(error)
  }
  if (run === undefined)
    throw new AppError('service_unavailable', 'The run could not be started in time.', {
      retryAfterSeconds: 2,
    })
  const statusUrl = `${deps.config.PUBLIC_BASE_URL}/api/v1/${target.hash}/_runs/${runId}`
  return {
    status: 202,
    headers: { Location: statusUrl },
    body: { run_id: runId, status: 'running', status_url: statusUrl },
  }
}
