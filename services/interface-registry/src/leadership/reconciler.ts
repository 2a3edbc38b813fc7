import type { Leadership } from './leadership.ts'

export interface ReconcilerOptions {
  leadership: Leadership
  intervalSeconds: number
  /** Compares everything; answers the ids of what must be settled. */
  findUnsettled(): Promise<string[]>
  /** Brings one to what its row says; throws where it could not, after noting why. Doing it twice changes nothing. */
  settle(id: string, signal: AbortSignal): Promise<void>
  /** Not even the comparison was possible. */
  onFailure(error: unknown): void
}

export interface Reconciler {
  /** This one was changed. */
  changed(id: string): void
  /** Compare everything soon: something may have been missed. */
  soon(): void
  stop(): Promise<void>
}

const settledAtOnce = 32
const backOffMs = { first: 250, most: 10_000 }

/**
 * Keeps what is outside as our rows say. In all processes together only the leader does: what it is told of, and
 * everything at its start, regularly, and after any failure with back-off.
 */
export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { leadership } = options
  const stopping = new AbortController()
  const settling = new Map<string, { again: boolean; done: Promise<void> }>()
  let backOff = backOffMs.first
  let timer: NodeJS.Timeout | undefined
  let dueAt = Number.POSITIVE_INFINITY
  let pass: Promise<void> | undefined

  const active = () => leadership.leads() && !stopping.signal.aborted

  /** One settling of an id at a time; a change that comes meanwhile is settled after it. */
  function settle(id: string): Promise<void> {
    const running = settling.get(id)
    if (running !== undefined) {
      running.again = true
      return running.done
    }
    const entry = { again: false, done: Promise.resolve() }
    entry.done = (async () => {
      try {
        do {
          entry.again = false
          await options.settle(id, stopping.signal)
        } while (entry.again && active())
      } finally {
        settling.delete(id)
      }
    })()
    settling.set(id, entry)
    return entry.done
  }

  function schedule(delayMs: number): void {
    if (stopping.signal.aborted || performance.now() + delayMs >= dueAt) return
    clearTimeout(timer)
    dueAt = performance.now() + delayMs
    timer = setTimeout(() => {
      dueAt = Number.POSITIVE_INFINITY
      if (active()) pass = reconcile()
    }, delayMs)
  }

  function scheduleRetry(): void {
    schedule(backOff)
    backOff = Math.min(backOff * 2, backOffMs.most)
  }

  async function reconcile(): Promise<void> {
    if (pass !== undefined) await pass
    try {
      if (!(await settleAll(await options.findUnsettled()))) {
        scheduleRetry()
        return
      }
      backOff = backOffMs.first
      schedule(options.intervalSeconds * 1000)
    } catch (error) {
      options.onFailure(error)
      scheduleRetry()
    }
  }

  /** True where all succeeded. A few at a time: what is outside is no fast path. */
  async function settleAll(ids: string[]): Promise<boolean> {
    let good = true
    for (let from = 0; from < ids.length && active(); from += settledAtOnce) {
      const results = await Promise.allSettled(ids.slice(from, from + settledAtOnce).map(settle))
      good &&= results.every(({ status }) => status === 'fulfilled')
    }
    return good
  }

  leadership.onLeading(() => schedule(0))
  return {
    changed(id) {
      // What failed is noted in the row already; the next pass tries again.
      if (active()) settle(id).catch(scheduleRetry)
    },
    soon() {
      if (active()) schedule(0)
    },
    async stop() {
      stopping.abort()
      clearTimeout(timer)
      await Promise.allSettled([pass, ...[...settling.values()].map(({ done }) => done)])
    },
  }
}
