import { hashJson } from '@opsconductor/auth'
import { databaseUnavailable } from '@opsconductor/database'
import { AppError, toAppError } from '@opsconductor/errors'
import { assertPlainJson } from '@opsconductor/service-kit'
import type { StepPlace } from '../run-job/activity-contract.ts'
import type { AskedCall, BegunCall } from './call-contract.ts'
import { endCall } from './end-call.ts'
import type { ProjectCallDeps } from './project-call-deps.ts'
import { assertInput } from './schemas.ts'

/** `call_no_worker` is told below. */
const pathCodes = new Set<string>(['connector_not_ready', 'call_suspended'])
const grantSeconds = { min: 5, max: 86_400 }

/**
 * Everything that a call needs before the workflow may name the endpoint: the registry's leave, an input that fits, a
 * breaker that lets it through, and a worker on the other side. A refusal is an answer; only what is away for a moment
 * (`service_unavailable`) is thrown, and tried again.
 */
export async function beginCall(
  deps: ProjectCallDeps,
  projectId: string,
  place: StepPlace,
  asked: AskedCall,
): Promise<BegunCall> {
  try {
    return await begin(deps, projectId, place, asked)
  } catch (error) {
    const known = databaseUnavailable(error) ?? toAppError(error)
    if (known.code === 'service_unavailable' || known.code === 'internal_error') throw error
    const { code, message, retryable } = known
    return { failure: { code, message, retryable, isOfPath: pathCodes.has(code) } }
  }
}

async function begin(
  deps: ProjectCallDeps,
  projectId: string,
  { runId, stepId, item = '' }: StepPlace,
  { connector, operation, input, chain, timeoutSeconds }: AskedCall,
): Promise<BegunCall> {
  assertPlainJson(input, 'input')
  const { grant, target } = await deps.grant(connector, {
    ...{ project_id: projectId, run_id: runId, step_id: stepId, item, operation },
    input_sha256: hashJson(input),
    chain: [...chain, projectId],
    seconds: Math.min(Math.max(timeoutSeconds, grantSeconds.min), grantSeconds.max),
  })
  assertInput(target.input_schema, input)
  const call = {
    ...{ connectorId: target.connector_id, runId, stepId, item, operation },
    ...{ connector: target.connector, sourceProjectId: projectId, targetProjectId: target.target_project_id },
  }
  if (!(await deps.hasEndpoint(target.nexus_endpoint_name)))
    throw new AppError('connector_not_ready', `The Nexus endpoint of ${target.connector} is not there.`)
  const suspended = await deps.store.begin(call)
  if (suspended !== undefined)
    throw new AppError(
      'call_suspended',
      `Calls through ${target.connector} failed too often; one is tried again in ${Math.ceil(suspended)} seconds.`,
    )
  try {
    await deps.serve(target.target_project_id)
  } catch (error) {
    // The next executor goes on with this call.
    if (deps.isStopping()) throw error
    const failure = { code: 'call_no_worker', message: 'No worker serves the project yet.', retryable: true }
    await endCall(deps, call, { status: 'failed', by: 'application', ...failure }, null)
    return { failure: { ...failure, isOfPath: true } }
  }
  return {
    failure: null,
    endpoint: target.nexus_endpoint_name,
    grant,
    seconds: Math.max(grantSeconds.min, Math.min(timeoutSeconds, target.call_seconds_max)),
    connectorId: target.connector_id,
    sourceProjectId: projectId,
    outputSchema: target.output_schema,
    answersRun: target.workflow.kind === 'job' && (operation === 'call' || operation === 'start'),
  }
}
