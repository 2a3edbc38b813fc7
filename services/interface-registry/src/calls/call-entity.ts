import { hashJson } from '@opsconductor/auth'
import { namespaceOf } from '@opsconductor/contracts'
import type { Reply } from '@opsconductor/service-kit'
import type { WorkflowHandle } from '@temporalio/client'
import type { Call, CallContext } from './call-context.ts'
import { assertOutput } from './outcome-reply.ts'
import { identifyRun } from './run-identity.ts'
import { selectFirstBody } from './store.ts'
import { fromTemporal, idempotencyMismatch } from './temporal-errors.ts'

/** Calls a long-lived workflow of the project: update and query answer its result (200), a signal is accepted (202). */
export async function callEntity(context: CallContext, call: Call): Promise<Reply> {
  const { deps, target, signal } = context
  const client = deps.temporal.clientFor(namespaceOf(target.projectId))
  const handle = client.workflow.getHandle(target.executionId as string)
  const patience = AbortSignal.any([signal, AbortSignal.timeout(deps.config.CALL_WAIT_SECONDS * 1000)])
  const updateId = await identifyUpdate(context, call)
  let output: unknown
  try {
    output = await client.withAbortSignal(patience, () => invoke(handle, context, call.input, updateId))
  } catch (error) {
    throw fromTemporal(error)
  }
  if (target.interfaceType === 'signal') return { status: 202, body: { run_id: null, status: 'queued' } }
  assertOutput(target, output ?? null)
  return { status: 200, body: { run_id: null, status: 'succeeded', output: output ?? null } }
}

/** With an Idempotency-Key, Temporal takes an update once for as long as the workflow lives; we keep it to one body. */
async function identifyUpdate({ deps, target, key }: CallContext, call: Call): Promise<string> {
  const bodyHash = hashJson(call.input)
  const { runId } = identifyRun(target.interfaceId, key.key_id, call.idempotencyKey, bodyHash)
  if (target.interfaceType === 'update' && call.idempotencyKey !== undefined) {
    const first = await selectFirstBody(deps.pool, { updateId: runId, target, bodyHash })
    if (first !== bodyHash) throw idempotencyMismatch()
  }
  return runId
}

function invoke(
  handle: WorkflowHandle,
  { target }: CallContext,
  input: unknown,
  updateId: string,
): Promise<unknown> {
  switch (target.interfaceType) {
    case 'update':
      return handle.executeUpdate(target.callableName, { args: [input], updateId })
    case 'query':
      return handle.query(target.callableName, input)
    case 'signal':
      return handle.signal(target.callableName, input)
  }
}
