import { Id, namespaceOf, workflowIdOf } from '@opsconductor/contracts'
import { databaseUnavailable } from '@opsconductor/database'
import { temporalUnavailable } from '@opsconductor/temporal'
import { type Client, NamespaceNotFoundError, WorkflowNotFoundError } from '@temporalio/client'
import type { ProjectCallDeps } from './project-call-deps.ts'
import type { CallEnd, OpenCall } from './store.ts'

/** A call that is younger may not have come to its caller's history yet: it is not ended. */
const ageSeconds = 20

/**
 * Looks after calls that are under way: where the caller waits, somebody must serve the other project, also after a
 * restart. Where nobody waits any more (a caller that was terminated cancels nothing), what serves the call is cancelled.
 */
export async function sweepCalls(
  deps: Pick<ProjectCallDeps, 'store' | 'temporal' | 'serve' | 'events'>,
  minSeconds: number = ageSeconds,
): Promise<void> {
  for (const call of await deps.store.open())
    try {
      await lookAfter(deps, call, minSeconds)
    } catch (error) {
      const away = temporalUnavailable(error) ?? databaseUnavailable(error)
      if (away !== undefined) throw away
      deps.events.connectorCallBroke(call.targetProjectId, error)
    }
}

async function lookAfter(
  { store, temporal, serve }: Pick<ProjectCallDeps, 'store' | 'temporal' | 'serve'>,
  call: OpenCall,
  minSeconds: number,
): Promise<void> {
  const target = temporal.clientFor(namespaceOf(call.targetProjectId))
  const source = temporal.clientFor(namespaceOf(call.sourceProjectId))
  const caller = await statusOf(source, callerOf(call))
  // Of a user's own caller it is not sure that its grants name its workflow.
  const isAwaited =
    call.isAwaited !== false && (caller === 'RUNNING' || (call.isAwaited === null && caller === undefined))
  // The worker's own loop reports and repeats what fails.
  if (isAwaited) serve(call.targetProjectId).catch(() => {})
  if (call.seconds < minSeconds) return
  const { targetWorkflowId: workflowId } = call
  const served = workflowId === null ? undefined : await statusOf(target, workflowId)
  // A caller of ours writes the end of what it waits for itself.
  if (isAwaited && (call.isAwaited || served === 'RUNNING')) return
  // The caller may just have ended without waiting any longer, which the target's row tells.
  if (workflowId !== null && served === 'RUNNING' && (await store.serves(call.targetProjectId, workflowId)))
    await target.workflow.getHandle(workflowId).cancel()
  await store.end(call, { outcome: outcomes[served ?? 'RUNNING'] ?? 'failed' }, { isOver: true })
}

const outcomes: Readonly<Record<string, CallEnd['outcome']>> = {
  RUNNING: 'cancelled',
  CANCELLED: 'cancelled',
  COMPLETED: 'succeeded',
}

/** A run of ours, or a workflow of the user's own, whose grants the registry marks. */
const callerOf = ({ runId }: OpenCall) =>
  Id.safeParse(runId).success ? workflowIdOf(runId) : runId.replace(/^worker:/, '')

async function statusOf(client: Client, workflowId: string): Promise<string | undefined> {
  try {
    return (await client.workflow.getHandle(workflowId).describe()).status.name
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || error instanceof NamespaceNotFoundError) return undefined
    throw error
  }
}
