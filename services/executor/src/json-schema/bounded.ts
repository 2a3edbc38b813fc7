import { createContext, Script } from 'node:vm'

/** The work took longer than it may. */
export class OutOfTime extends Error {
  override readonly name = 'OutOfTime'
}

const slot: { work: (() => unknown) | undefined } = { work: undefined }
const context = createContext({ run: () => slot.work?.() })
const script = new Script('run()')

/**
 * Runs synchronous work and stops it after `ms`. Schemas come from users: a `pattern` that backtracks for years, a
 * `uniqueItems` over a long list or branching references would otherwise hold the whole process.
 */
export function runBounded<T>(ms: number, work: () => T): T {
  const outer = slot.work
  slot.work = work
  try {
    return script.runInContext(context, { timeout: ms }) as T
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw new OutOfTime()
    throw error
  } finally {
    slot.work = outer
  }
}
