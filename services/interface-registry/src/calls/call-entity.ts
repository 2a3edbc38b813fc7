import { randomUUID } from 'node:crypto'
import { namespaceOf } from '@opsconductor/contracts'
import type { Reply } from '@opsconductor/service-kit'
import type { WorkflowHandle } from '@temporalio/client'
import type { Call, CallContext } from './call-context.ts'
import { assertOutput } from './outcome-reply.ts'
import { hashJson, identifyRun } from './run-identity.ts'
import { fromTemporal } from './temporal-errors.ts'

/** Calls a long-lived workflow of the project: update and query answer its result (200), a signal is accepted (202). */
export async function callEntity(context: CallContext, call: Call): Promise<Reply> {
  const { deps, target, key, signal } = context
  const client = deps.temporal.clientFor(namespaceOf(target.projectId))
  const handle = client.workflow.getHandle(target.executionId as string)
  const patience = AbortSignal.any([signal, AbortSignal.timeout(deps.config.CALL_WAIT_SECONDS * 1000)])
  // With an Idempotency-Key, Temporal takes an update once for as long as the workflow lives.
  const updateId =
    call.idempotencyKey === undefined
      ? randomUUID()
      : identifyRun(target.interfaceId, key.key_id, call.idempotencyKey, hashJson(null)).updateId
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
