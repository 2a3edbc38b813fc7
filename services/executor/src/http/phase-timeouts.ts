import { AppError } from '@opsconductor/errors'

export interface PhaseTimeouts {
  /** Until the answer's headers are there. */
  headersMs?: number | undefined
  /** From then until its body is. */
  bodyMs?: number | undefined
}

/** `signal`, and when a phase of an exchange takes too long. To be told when the headers came and when it is over. */
export function watchPhases({ headersMs, bodyMs }: PhaseTimeouts, signal: AbortSignal) {
  const timeout = new AbortController()
  const startTimer = (ms: number | undefined, what: string) =>
    ms === undefined ? undefined : setTimeout(() => timeout.abort(tooSlow(what, ms)), ms)
  let timer = startTimer(headersMs, 'headers')
  return {
    signal:
      headersMs === undefined && bodyMs === undefined ? signal : AbortSignal.any([signal, timeout.signal]),
    headersCame() {
      clearTimeout(timer)
      timer = startTimer(bodyMs, 'body')
    },
    end: () => clearTimeout(timer),
  }
}

const tooSlow = (what: string, ms: number) =>
  new AppError('step_timeout', `The answer's ${what} did not come within ${ms} ms.`)
