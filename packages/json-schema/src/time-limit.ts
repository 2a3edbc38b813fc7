import { createContext, Script } from 'node:vm'

const context = createContext(Object.create(null))
const script = new Script('work()')
/** On a machine this many times too busy, the work is called too much all the same. */
const attemptsMax = 5

/** The work did not end in time, or went in circles until the stack was full. */
export class TooMuchWork extends Error {}

/**
 * Runs synchronous, repeatable work and stops it after `limitMs` of its thread's processor time, wherever it is: also
 * inside a regular expression that backtracks for ever. The watchdog knows only the wall clock, so work that was
 * stopped because the machine was busy with something else is begun again. Costs about 0.2 ms (a watchdog thread).
 */
export function withinLimit<T>(limitMs: number, work: () => T): T {
  for (let attempt = 1; ; attempt++) {
    const before = process.threadCpuUsage()
    context.work = work
    try {
      return script.runInContext(context, { timeout: limitMs })
    } catch (error) {
      const timedOut = (error as { code?: string }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
      if (timedOut && attempt < attemptsMax && cpuMsSince(before) < limitMs / 2) continue
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
