import { type Check, checkMsMax, runCheckEndpoint } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { InternalClient } from '@opsconductor/service-kit'
import type pg from 'pg'
import { kindOf } from '../connectors/connector-kind.ts'
import type { RegistryEvents } from '../events.ts'
import { type BegunCheck, endCheck, giveUpCheck, type Verdict } from './store.ts'

export interface CheckDeps {
  pool: pg.Pool
  internal: InternalClient
  events: RegistryEvents
}

/** The executor ends a check by itself; this is only for one that does not answer. */
const answerMsMax = checkMsMax + 5_000
/** After a check that could not be made. */
const retrySeconds = 30

/**
 * Makes a check that was begun, through the executor, and writes down what it found. False where the connector was
 * changed meanwhile, so that it found nothing of the connector as it is now. Throws `service_unavailable` where the
 * executor or what it needs is away, which says nothing of the connector, and `signal`'s reason.
 */
export async function performCheck(
  deps: CheckDeps,
  check: BegunCheck,
  signal: AbortSignal,
): Promise<boolean> {
  const startedAt = performance.now()
  try {
    const verdict = await askExecutor(deps, check, signal)
    const ended = await endCheck(deps.pool, check, verdict, nextIn(check))
    deps.events.connectorChecked(check, verdict, (performance.now() - startedAt) / 1000)
    if (ended === 'changed') deps.events.connectivityChanged(check, verdict)
    return ended !== undefined
  } catch (error) {
    if (!signal.aborted) deps.events.connectorNotChecked(check, error)
    const nextSeconds = check.checkEverySeconds === null ? null : signal.aborted ? 0 : retrySeconds
    // Where the database is away too, the check is given up when its time is over.
    await giveUpCheck(deps.pool, check, nextSeconds).catch(() => {})
    throw error
  }
}

/** A tenth more or less, so that connectors that were made together are not checked together for ever. */
const nextIn = ({ checkEverySeconds }: BegunCheck): number | null =>
  checkEverySeconds === null ? null : checkEverySeconds * (0.9 + Math.random() * 0.2)

async function askExecutor(deps: CheckDeps, check: BegunCheck, signal: AbortSignal): Promise<Verdict> {
  try {
    const result = await deps.internal.call(
      runCheckEndpoint,
      {
        check_id: check.checkId,
        project_id: check.projectId,
        connector: { id: check.connectorId, has_credential: check.hasCredential },
        check: planCheck(check),
      },
      { signal, timeoutMs: answerMsMax },
    )
    const latencyMs = result.latency_ms
    return result.ok
      ? { status: 'ok', latencyMs, code: null, reason: null }
      : { status: 'failing', latencyMs, code: result.code, reason: result.message }
  } catch (error) {
    if (signal.aborted || isAway(error)) throw error
    deps.events.connectorCheckBroke(check, error)
    const reason = 'Something went wrong on our side.'
    return { status: 'unknown', latencyMs: null, code: 'internal_error', reason }
  }
}

function planCheck({ kind, settings }: BegunCheck): Check {
  const definition = kindOf(kind)
  return definition.check(definition.settings.parse(settings) as never)
}

/** An executor that broke on the check answers 500 to it the next time too. */
const isAway = (error: unknown): boolean =>
  error instanceof AppError &&
  error.code === 'service_unavailable' &&
  error.internal?.code !== 'internal_error'
