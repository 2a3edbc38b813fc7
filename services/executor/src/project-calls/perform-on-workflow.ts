import { namespaceOf, runJobWorkflow } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { defaultPayloadConverter, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client'
import { beginWorkflow } from './begin-workflow.ts'
import type { AwaitedUpdate } from './call-contract.ts'
import { toUnanswered } from './call-error.ts'
import { callIdOf } from './call-ids.ts'
import { type AdmittedCall, answerMsMax, type Perform, synchronous } from './serve-call.ts'
import type { awaitUpdate } from './workflow/await-update.ts'

/** Calls a long-lived workflow of the project, or begins one of its type. */
export const performOnWorkflow: Perform = async (deps, call) => {
  const { grant, target, input, projectId } = call
  const client = deps.temporal.clientFor(namespaceOf(projectId))
  if (grant.operation === 'start') return await begin(call)
  const workflowId = target.workflow.workflow_id
  if (workflowId === null) throw new AppError('target_missing', 'The interface names no running workflow.')
  const handle = client.workflow.getHandle(workflowId)
  switch (grant.operation) {
    case 'query':
      return synchronous(
        await client
          .withDeadline(Date.now() + answerMsMax, () => handle.query(target.callable_name, input))
          .catch(toUnanswered),
      )
    case 'signal':
      // Past the client's own method, which draws a new id each time: a repetition must not signal twice.
      await client.withDeadline(Date.now() + answerMsMax, () =>
        client.workflowService.signalWorkflowExecution({
          namespace: namespaceOf(projectId),
          workflowExecution: { workflowId },
          signalName: target.callable_name,
          input: { payloads: [defaultPayloadConverter.toPayload(input)] },
          requestId: callIdOf(grant),
        }),
      )
      return synchronous(null)
    case 'call':
      return await update(deps, call, workflowId)
  }
}

const begin = ({ ctx, grant, target, input }: AdmittedCall) =>
  beginWorkflow(ctx, target.workflow.workflow_type, {
    workflowId: `call-${callIdOf(grant)}`,
    taskQueue: target.workflow.task_queue,
    args: [input],
  })

/** Answers at once what is quick; else a workflow of ours waits for it. The update's id makes both one update. */
const update: (...of: [...Parameters<Perform>, string]) => ReturnType<Perform> = async (
  { temporal },
  { ctx, grant, target, input, projectId },
  workflowId,
) => {
  const client = temporal.clientFor(namespaceOf(projectId))
  const asked: AwaitedUpdate = { workflowId, name: target.callable_name, input, updateId: callIdOf(grant) }
  try {
    const output = await client.withAbortSignal(AbortSignal.timeout(answerMsMax), () =>
      client.workflow
        .getHandle(workflowId)
        .executeUpdate(asked.name, { args: [input], updateId: asked.updateId }),
    )
    return synchronous(output)
  } catch (error) {
    if (!(error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)) throw error
  }
  return await beginWorkflow(ctx, 'awaitUpdate' satisfies (typeof awaitUpdate)['name'], {
    workflowId: `call-${asked.updateId}`,
    taskQueue: runJobWorkflow.taskQueue,
    args: [{ ...asked, outputSchema: target.output_schema }],
  })
}
