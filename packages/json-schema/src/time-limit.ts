import { createContext, Script } from 'node:vm'

const context = createContext(Object.create(null))
const script = new Script('work()')
/** Each attempt has twice the time of the one before. On a machine that is busier still, the work is called too much. */
const attemptsMax = 3
/** What the clocks of processor time and of the watchdog may differ by. */
const fullShare = 0.9

/** The work did not end in time, or went in circles until the stack was full. */
export class TooMuchWork extends Error {}

/**
 * Runs synchronous, repeatable work and stops it after `limitMs` of its thread's processor time, wherever it is: also
 * inside a regular expression that backtracks for ever. The watchdog knows only the wall clock, so work that was
 * stopped because the machine was busy with something else is begun again, with more time; at most `limitMs` × 7
 * pass altogether. Costs about 0.2 ms (a watchdog thread).
 */
export function withinLimit<T>(limitMs: number, work: () => T): T {
  for (let attempt = 1; ; attempt++) {
    const before = process.threadCpuUsage()
    context.work = work
    try {
      return script.runInContext(context, { timeout: limitMs * 2 ** (attempt - 1) })
    } catch (error) {
      const timedOut = (error as { code?: string }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
      if (timedOut && attempt < attemptsMax && cpuMsSince(before) < limitMs * fullShare) continue
      if (timedOut || error instanceof RangeError)
        throw new TooMuchWork('the work did not end in time', { cause: error })
      throw error
    } finally {
      context.work = undefined
    }
  }
}

function cpuMsSince(before: NodeJS.CpuUsage) {
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1_000
}
