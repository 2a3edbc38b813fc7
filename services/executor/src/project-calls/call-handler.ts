import type { CallOperation } from '@opsconductor/contracts'
import { type ProjectCall, projectCalls } from '@opsconductor/temporal/nexus'
import { WorkflowRunOperationHandler } from '@temporalio/nexus'
import * as nexus from 'nexus-rpc'
import { fromTarget, toNexusError } from './call-error.ts'
import { workflowIdOf } from './operation-token.ts'
import { performOnJob } from './perform-on-job.ts'
import { performOnWorkflow } from './perform-on-workflow.ts'
import { ping } from './ping.ts'
import type { ProjectCallDeps } from './project-call-deps.ts'
import { type Perform, serveCall } from './serve-call.ts'

const perform: Perform = (deps, call) =>
  (call.target.workflow.kind === 'job' ? performOnJob : performOnWorkflow)(deps, call)

type Handler = nexus.OperationHandler<ProjectCall, unknown>

/** What one project's worker serves for the others. The project is the worker's, never one that a call names. */
export function createCallHandler(deps: ProjectCallDeps, projectId: string) {
  const handlerOf = (operation: CallOperation): Handler => ({
    async start(ctx, given) {
      const served = await serveCall(deps, projectId, operation, ctx, given, perform)
      return 'workflowId' in served ? served.result : nexus.HandlerStartOperationResult.sync(served.answer)
    },
    cancel: (ctx, token) => cancel(deps, projectId, ctx, token),
  })
  return nexus.serviceHandler(projectCalls, {
    call: handlerOf('call'),
    signal: handlerOf('signal'),
    query: handlerOf('query'),
    start: handlerOf('start'),
    ping: (_, given) => ping(deps, projectId, given),
  })
}

const runs = new WorkflowRunOperationHandler<ProjectCall, unknown>(() =>
  Promise.reject(new Error('never started')),
)

/** A token names any workflow of the namespace, and whoever reaches the endpoint may send one: only what serves a call is cancelled. */
async function cancel(
  { store, events }: ProjectCallDeps,
  projectId: string,
  ctx: nexus.CancelOperationContext,
  token: string,
): Promise<void> {
  const workflowId = workflowIdOf(token)
  const isServing = store.serves(projectId, workflowId ?? '').catch((error: unknown) => {
    throw toNexusError(fromTarget(error))
  })
  if (!(await isServing)) {
    events.connectorCallRefused(
      { projectId, operation: ctx.operation },
      'not_found',
      'The token names no call.',
    )
    throw new nexus.HandlerError('NOT_FOUND', 'There is no such call.')
  }
  await runs.cancel(ctx, token)
}
