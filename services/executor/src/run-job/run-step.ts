import type { LentCredential, RunFailure } from '@opsconductor/contracts'
import { AppError, type ErrorCode, toAppError } from '@opsconductor/errors'
import { createRedactor, type Redactor } from '@opsconductor/redact'
import { fieldErrors } from '@opsconductor/service-kit'
import type { HttpExchange } from '../http/exchange.ts'
import { isDeeperThan, toStorable, toStorableText } from '../json-limits.ts'
import { createReach } from '../reach/reach.ts'
import type { AnyStepType } from '../step-types/define-step-type.ts'
import { stepTypes } from '../step-types/index.ts'
import type { StepRequest } from './activity-contract.ts'
import {
  limitsOf,
  secretsOf,
  toClientCertificate,
  toCredentialError,
  toStepCredential,
} from './lent-credential.ts'
import type { RunJobDeps } from './run-job-deps.ts'
import { createStepTools } from './step-tools.ts'
import { storedExchange } from './stored-exchange.ts'
import { whileUnavailable } from './while-unavailable.ts'

const resultBytesMax = 256 * 1024
const resultDepthMax = 100
/** How long our own database and the broker are waited for, before and after the step itself. */
const waitMsMax = 20_000

/** Ends a step as its activity must report it. Its text is free of secrets. */
export class StepError extends Error {
  override readonly name = 'StepError'
  readonly failure: Pick<RunFailure, 'code' | 'message'>
  readonly retryable: boolean

  constructor(code: ErrorCode, message: string, retryable: boolean) {
    super(message)
    this.failure = { code, message }
    this.retryable = retryable
  }
}

/** Runs one attempt of a step and records it; whatever leaves is free of the secrets that were lent to it. */
export async function runStep(
  deps: RunJobDeps,
  projectId: string,
  request: StepRequest,
  attempt: number,
  cancelled: AbortSignal,
): Promise<unknown> {
  const startedAt = performance.now()
  const idempotencyKey = `${request.runId}:${request.stepId}`
  const waiting = { msMax: waitMsMax, signal: cancelled }
  const lendFor = { project_id: projectId, run_id: request.runId, step_id: request.stepId }
  const lend = (reference: string | null) =>
    reference === null
      ? undefined
      : whileUnavailable(() => deps.lendCredential(reference, lendFor, cancelled), waiting)
  const [rowId, lent] = await Promise.all([
    whileUnavailable(() => deps.store.startStep({ ...request, attempt, idempotencyKey }), waiting),
    Promise.all([lend(request.credential), lend(request.clientCertificate)]).catch((error: unknown) =>
      toCredentialError(error),
    ),
  ]).catch((error: unknown) => {
    if (isRunCancelled(cancelled)) throw cancelled.reason
    throw cancelled.aborted ? workerStopped() : stepError(deps, request, error, createRedactor([]))
  })
  const exchanges: HttpExchange[] = []
  const redactor = createRedactor(lent instanceof AppError ? [] : secretsOf(...lent))
  const finish = async (
    status: 'succeeded' | 'failed' | 'cancelled',
    output: unknown,
    failure?: StepError,
  ) => {
    const error = failure === undefined ? null : { ...failure.failure, step_id: request.stepId }
    const stored = exchanges.map((one) => storedExchange(one, redactor))
    await whileUnavailable(
      () => deps.store.finishStep({ id: rowId, status, output, error, exchanges: stored }),
      { msMax: waitMsMax, signal: AbortSignal.timeout(waitMsMax) },
    ).catch((e: unknown) => deps.events.stepNotRecorded(request, e))
    deps.events.stepEnded(request, attempt, status, (performance.now() - startedAt) / 1000)
  }
  try {
    if (lent instanceof AppError) throw lent
    const output = await perform(deps, projectId, request, lent, idempotencyKey, cancelled, exchanges)
    const clean = toStorable(limited(redactor.redactJson(output)))
    await finish('succeeded', clean)
    return clean
  } catch (error) {
    if (isRunCancelled(cancelled)) {
      await finish('cancelled', null)
      throw cancelled.reason
    }
    const failure = cancelled.aborted ? workerStopped() : stepError(deps, request, error, redactor)
    await finish('failed', null, failure)
    throw failure
  }
}

type Lent = [credential: LentCredential | undefined, clientCertificate: LentCredential | undefined]

async function perform(
  deps: RunJobDeps,
  projectId: string,
  request: StepRequest,
  [lent, lentCertificate]: Lent,
  idempotencyKey: string,
  cancelled: AbortSignal,
  exchanges: HttpExchange[],
): Promise<unknown> {
  const stepType = stepTypes.get(request.type)
  if (stepType === undefined)
    throw new AppError('validation_failed', `There is no step type ${request.type}.`)
  const input = parseInput(stepType, request.input)
  const credential = toStepCredential(stepType, lent)
  const clientCertificate = toClientCertificate(stepType, lentCertificate)
  const policy = await whileUnavailable(() => deps.outboundPolicyOf(projectId), {
    msMax: waitMsMax,
    signal: cancelled,
  })
  const reach = createReach({
    ...{ projectId, policy, resolve: deps.resolve },
    limitsHosts: limitsOf(lent, lentCertificate),
  })
  const timeoutMs = request.timeoutSeconds * 1000
  const timeout = new AbortController()
  const timer = setTimeout(
    () =>
      timeout.abort(
        new AppError('step_timeout', `The step took longer than ${request.timeoutSeconds} seconds.`),
      ),
    timeoutMs,
  )
  const tools = createStepTools({
    httpClients: deps.httpClients,
    credential,
    clientCertificate,
    reach,
    trust: deps.trustOf(projectId),
    idempotencyKey,
    timeoutMs,
    signal: AbortSignal.any([cancelled, timeout.signal]),
    record: (one) => exchanges.push(one),
    poolOf: ({ id }, dsn) => deps.databasePools.poolFor(id, dsn, reach),
  })
  try {
    return await stepType.run(input as never, tools)
  } finally {
    clearTimeout(timer)
  }
}

function parseInput(stepType: AnyStepType, input: unknown): Record<string, unknown> {
  const parsed = stepType.input.safeParse(input)
  if (parsed.success) return parsed.data
  const faults = fieldErrors(parsed.error, 'input').map(({ path, message }) => `${path} ${message}`)
  throw new AppError('validation_failed', faults.join('; ').slice(0, 500))
}

function limited(output: unknown): unknown {
  if (isDeeperThan(output, resultDepthMax))
    throw new AppError('target_answer_too_large', `The result nests deeper than ${resultDepthMax}.`)
  if (Buffer.byteLength(JSON.stringify(output)) > resultBytesMax)
    throw new AppError('target_answer_too_large', `The result is larger than ${resultBytesMax} bytes.`)
  return output
}

function stepError(deps: RunJobDeps, request: StepRequest, error: unknown, redactor: Redactor): StepError {
  const known = toAppError(error)
  if (known.code === 'internal_error') deps.events.stepBroke(request, error, redactor.redact)
  return new StepError(known.code, toStorableText(redactor.redact(known.message)), known.retryable)
}

/** Steps are stopped for other reasons too: the worker ends, or the server gave the attempt up. */
const isRunCancelled = ({ aborted, reason }: AbortSignal): boolean =>
  aborted && reason instanceof Error && reason.message === 'CANCELLED'

const workerStopped = () =>
  new StepError(
    'step_failed',
    'The worker was stopped while the step ran; whether the step took effect is not known.',
    true,
  )
