import type { LentCredential } from '@opsconductor/contracts'
import { AppError, toAppError } from '@opsconductor/errors'
import { secretsOf } from '@opsconductor/reach'
import { createRedactor, type Redactor } from '@opsconductor/redact'
import { borrowBastions } from '../bastions/borrow-bastions.ts'
import { type BorrowedConnector, borrowConnector } from '../connectors/borrow-connector.ts'
import { toStorable, toStorableText } from '../json-limits.ts'
import { stepTypes } from '../step-types/index.ts'
import { idempotencyKeyOf, type StepRequest } from './activity-contract.ts'
import { toCredentialError } from './lent-credential.ts'
import { type Lent, performStep, type StepAttempt } from './perform-step.ts'
import type { RunJobDeps } from './run-job-deps.ts'
import { isRunCancelled, StepError, workerStopped } from './step-error.ts'
import { createStepProgress } from './step-progress.ts'
import type { BegunStep } from './store.ts'
import { storedExchange } from './stored-exchange.ts'
import { waitMsMax, whileUnavailable } from './while-unavailable.ts'

/** How the attempt is seen from outside. */
export interface AttemptContext {
  attempt: number
  /** Ends within a moment, so that its row can be written once it has. */
  isLocal: boolean
  cancelled: AbortSignal
  /** Shows the progress to the server. */
  heartbeat(details: unknown): void
}

/** Runs one attempt of a step and records it; whatever leaves is free of the secrets that were lent to it. */
export async function runStep(
  deps: RunJobDeps,
  projectId: string,
  request: StepRequest,
  { attempt, isLocal, cancelled, heartbeat }: AttemptContext,
): Promise<unknown> {
  const startedAt = performance.now()
  const { runId, stepId, item = '', type, position } = request
  const idempotencyKey = idempotencyKeyOf(request)
  const row: BegunStep = { runId, stepId, item, type, position, attempt, idempotencyKey }
  const { rowId, lent } = await begin(deps, projectId, request, isLocal ? undefined : row, cancelled)
  const redactor = createRedactor(lent instanceof AppError ? [] : secretsOf(...allOf(lent)))
  const progress = createStepProgress(redactor, heartbeat, async (said) => {
    const id = await rowId
    if (id !== undefined) await deps.store.sayProgress(id, said)
  })
  const current: StepAttempt = {
    ...{ deps, projectId, request, idempotencyKey, cancelled, redactor, exchanges: [] },
    owner: { projectId, runId, stepId, item, attempt },
    progress: progress.say,
  }
  const finish = async (
    status: 'succeeded' | 'failed' | 'cancelled',
    output: unknown,
    failure?: StepError,
  ) => {
    const error = failure === undefined ? null : { ...failure.failure, step_id: stepId }
    const end = {
      status,
      output,
      error,
      exchanges: current.exchanges.map((one) => storedExchange(one, redactor)),
    }
    const endedAtMs = performance.now()
    const seconds = (endedAtMs - startedAt) / 1000
    if (isLocal) await deps.writeBehind.add({ ...row, ...end, seconds, endedAtMs })
    else
      await whileUnavailable(async () => deps.store.finishStep({ id: (await rowId) as string, ...end }), {
        msMax: waitMsMax,
        signal: AbortSignal.timeout(waitMsMax),
      }).catch((e: unknown) => deps.events.stepNotRecorded(request, e))
    deps.events.stepEnded(request, attempt, status, seconds)
  }
  try {
    if (lent instanceof AppError) throw lent
    const output = toStorable(await performStep(current, lent))
    // Without its row the attempt does not count; only what may be repeated was begun without waiting for it.
    await rowId
    await finish('succeeded', output)
    return output
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

interface Begun {
  /** Of the attempt's row; undefined where it is written at the end. */
  rowId: Promise<string | undefined>
  /** What the step borrows, or why it may not. */
  lent: Lent | AppError
}

async function begin(
  deps: RunJobDeps,
  projectId: string,
  request: StepRequest,
  row: BegunStep | undefined,
  cancelled: AbortSignal,
): Promise<Begun> {
  const waiting = { msMax: waitMsMax, signal: cancelled }
  const { redeliveryId, runId, stepId } = request
  const lendFor = { project_id: projectId, run_id: redeliveryId ?? runId, step_id: stepId }
  const lenders: Lenders = {
    credential: (reference) =>
      whileUnavailable(() => deps.lendCredential(reference, lendFor, cancelled), waiting),
    connector: (reference) =>
      whileUnavailable(
        () =>
          borrowConnector(
            () => deps.connectorOf(projectId, reference),
            (id) => deps.lendConnector(id, lendFor, cancelled),
          ),
        waiting,
      ),
  }
  const rowId = Promise.resolve(row && whileUnavailable(() => deps.store.startStep(row), waiting))
  rowId.catch(() => {})
  try {
    const [lent] = await Promise.all([
      borrow(deps, projectId, request, lenders).catch(toCredentialError),
      stepTypes.get(request.type)?.retryable ? undefined : rowId,
    ])
    return { rowId, lent }
  } catch (error) {
    if (isRunCancelled(cancelled)) throw cancelled.reason
    throw cancelled.aborted ? workerStopped() : stepError(deps, request, error, createRedactor([]))
  }
}

interface Lenders {
  credential(reference: string): Promise<LentCredential>
  connector(reference: string): Promise<BorrowedConnector>
}

async function borrow(
  deps: RunJobDeps,
  projectId: string,
  { credential, clientCertificate, connector, via = [] }: StepRequest,
  lend: Lenders,
): Promise<Lent> {
  const lendAny = async (reference: string | null) =>
    reference === null ? undefined : lend.credential(reference)
  const lendOwn = async () =>
    connector === undefined ? { credential: await lendAny(credential) } : lend.connector(connector)
  const [own, certificate, bastions] = await Promise.all([
    lendOwn(),
    lendAny(clientCertificate),
    borrowBastions(deps.bastions, projectId, via, lend.credential),
  ])
  return { ...own, clientCertificate: certificate, bastions }
}

const allOf = ({ credential, clientCertificate, bastions }: Lent) => [
  credential,
  clientCertificate,
  ...bastions.map(({ lent }) => lent),
]

function stepError(deps: RunJobDeps, request: StepRequest, error: unknown, redactor: Redactor): StepError {
  const known = toAppError(error)
  if (known.code === 'internal_error') deps.events.stepBroke(request, error, redactor.redact)
  return new StepError(known.code, toStorableText(redactor.redact(known.message)), known)
}
