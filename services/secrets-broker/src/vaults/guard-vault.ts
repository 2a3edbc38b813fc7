import { AppError } from '@opsconductor/errors'
import type { Metrics } from '@opsconductor/service-kit'
import { type Breaker, createBreaker } from './breaker.ts'
import type { VaultConnection } from './define-vault-provider.ts'
import { isVaultError, vaultError } from './vault-error.ts'
import { tooSlow } from './vault-http.ts'

export type VaultMetrics = ReturnType<typeof createVaultMetrics>

export function createVaultMetrics(metrics: Metrics) {
  return {
    requests: metrics.counter(
      'secrets_vault_requests_total',
      'Reads and checks of vaults; the outcome is ok or an error code',
      ['provider', 'outcome'],
    ),
    seconds: metrics.histogram(
      'secrets_vault_request_seconds',
      'Time that reads and checks of vaults took, logins included',
      ['provider'],
      [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    ),
  }
}

interface GuardOptions {
  provider: string
  metrics: VaultMetrics
  now(): number
  timeoutMs?: number
  breaker?: Breaker
}

/** A vault may take this long for all that one read needs: login, look-up of the engine, the secret. */
const readTimeoutMs = 10_000

/** The connection with its time limit, breaker and metrics. Whatever it throws is an AppError that quotes no secret. */
export function guardVault(connection: VaultConnection, options: GuardOptions): VaultConnection {
  const { provider, metrics, now, timeoutMs = readTimeoutMs, breaker = createBreaker({ now }) } = options

  async function guarded<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const started = now()
    let outcome = 'ok'
    try {
      return await breaker.run(() => withTimeLimit(signal, timeoutMs, work))
    } catch (error) {
      const known = signal.aborted ? undefined : toVaultError(error)
      outcome = known?.code ?? 'cancelled'
      throw known ?? error
    } finally {
      metrics.requests.inc({ provider, outcome })
      metrics.seconds.observe({ provider }, (now() - started) / 1000)
    }
  }

  return {
    read: (reference, { signal }) =>
      guarded(signal, (limited) => connection.read(reference, { signal: limited })),
    check: ({ signal }) => guarded(signal, (limited) => connection.check({ signal: limited })),
    close: () => connection.close(),
  }
}

async function withTimeLimit<T>(
  signal: AbortSignal,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(tooSlow()), timeoutMs)
  try {
    const limited = AbortSignal.any([signal, limit.signal])
    return await unlessAborted(work(limited), limited)
  } catch (error) {
    // An SDK wraps the reason of an abort in an error of its own.
    throw limit.signal.aborted && !signal.aborted ? limit.signal.reason : error
  } finally {
    clearTimeout(timer)
  }
}

/** A login that several calls wait for goes on when one of them has waited long enough. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** An error that nobody foresaw may quote anything: only its name is kept. */
function toVaultError(error: unknown): AppError {
  if (isVaultError(error) || error instanceof AppError) return error
  return vaultError('vault_bad_answer', 'The vault gave an answer that nobody foresaw.', {
    facts: { error: error instanceof Error ? error.name : typeof error },
  })
}
