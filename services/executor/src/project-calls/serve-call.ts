import type { CallGrant, CallOperation, CallTarget } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { ProjectCall } from '@opsconductor/temporal/nexus'
import { operationInfo } from '@temporalio/nexus'
import type * as nexus from 'nexus-rpc'
import { z } from 'zod'
import { toStorableText } from '../json-limits.ts'
import { fromTarget, toNexusError } from './call-error.ts'
import type { ProjectCallDeps } from './project-call-deps.ts'
import { assertInput, assertOutput } from './schemas.ts'
import type { NewCall } from './store.ts'

/** A call that may be made, in the project that serves it. */
export interface AdmittedCall {
  ctx: nexus.StartOperationContext
  projectId: string
  grant: CallGrant
  target: CallTarget
  input: unknown
}

/** `output`: what the interface's schema is about; `workflowId`: the workflow whose result will be the answer. */
export type Served =
  | { output: unknown; answer: unknown }
  | { workflowId: string; result: nexus.HandlerStartOperationResult<unknown> }

/** The server gives a handler ten seconds to answer. */
export const answerMsMax = 4_000

export const synchronous = (answer: unknown): Served => ({ output: answer ?? null, answer: answer ?? null })

export type Perform = (deps: ProjectCallDeps, call: AdmittedCall) => Promise<Served>

const Given = z.object({ grant: z.string().max(20_000), input: z.unknown() })

/** Lets a call in: the grant, the connector as it stands now, and the endpoint that it came by must be of one call. */
export async function admitCall(
  deps: ProjectCallDeps,
  projectId: string,
  given: unknown,
  operation: CallOperation | undefined,
): Promise<Pick<AdmittedCall, 'grant' | 'target' | 'input'>> {
  const parsed = Given.safeParse(given)
  if (!parsed.success) throw new AppError('call_not_allowed', 'The call has no grant.')
  const input = parsed.data.input ?? null
  const grant = await deps.verifyGrant(parsed.data.grant, { targetProjectId: projectId, operation, input })
  const target = await deps.admit(grant)
  const isOfTarget =
    target.connector_id === grant.connector_id &&
    target.interface_id === grant.interface_id &&
    target.target_project_id === projectId &&
    target.nexus_endpoint_name === operationInfo().endpoint
  if (!isOfTarget) throw new AppError('call_not_allowed', 'The grant of the call is for another connector.')
  return { grant, target, input }
}

/** Serves one call: checks it, does it, writes the target's row, and says every expected failure as an answer. */
export async function serveCall(
  deps: ProjectCallDeps,
  projectId: string,
  operation: CallOperation,
  ctx: nexus.StartOperationContext,
  given: ProjectCall,
  perform: Perform,
): Promise<Served> {
  let admitted: AdmittedCall | undefined
  try {
    admitted = { ctx, projectId, ...(await admitCall(deps, projectId, given, operation)) }
    const { target, input } = admitted
    assertInput(target.input_schema, input)
    const served = await perform(deps, admitted)
    const row = rowOf(admitted)
    if ('workflowId' in served) {
      await deps.store.served(row, { outcome: 'running' }, served.workflowId)
      deps.events.connectorCallServed(row, 'running')
    } else {
      assertOutput(target.output_schema, served.output)
      await deps.store.served(row, { outcome: 'succeeded' })
      deps.events.connectorCallServed(row, 'succeeded')
    }
    return served
  } catch (error) {
    const known = fromTarget(error)
    await tell(deps, projectId, operation, admitted, known)
    throw toNexusError(known)
  }
}

/** What is known of the failure, in the row and the log. A row that cannot be written does not change the answer. */
async function tell(
  { store, events }: ProjectCallDeps,
  projectId: string,
  operation: CallOperation,
  admitted: AdmittedCall | undefined,
  error: AppError,
): Promise<void> {
  if (error.code === 'service_unavailable') return
  if (error.code === 'internal_error') events.connectorCallBroke(projectId, error.cause ?? error)
  if (admitted === undefined)
    return events.connectorCallRefused({ projectId, operation }, error.code, error.message)
  const row = rowOf(admitted)
  const outcome = error.code === 'validation_failed' ? 'refused' : 'failed'
  events.connectorCallServed(row, outcome, error.code)
  await store
    .served(row, { outcome, code: error.code, message: toStorableText(error.message) })
    .catch((e: unknown) => {
      events.connectorCallBroke(projectId, e)
    })
}

const rowOf = ({ grant, target }: AdmittedCall): NewCall => ({
  connectorId: grant.connector_id,
  runId: grant.run_id,
  stepId: grant.step_id,
  item: grant.item,
  operation: grant.operation,
  connector: target.connector,
  sourceProjectId: grant.source_project_id,
  targetProjectId: grant.target_project_id,
})
