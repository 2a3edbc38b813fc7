import { type Leadership, seekLeadership } from './leadership.ts'
import { findUnsettled } from './reconcile.ts'
import { type PublishingContext, settleFace } from './settle.ts'
import { selectFaceIdByHash } from './store.ts'

export interface Publisher {
  start(): void
  /** The public interface with this hash was changed. */
  changed(hash: string): void
  /** Compare everything soon: something may have been missed. */
  reconcileSoon(): void
  stop(): Promise<void>
}

const settledAtOnce = 32
const backOffMs = { first: 250, most: 10_000 }

/**
 * Brings every change of a public interface to Kong. In all processes together only the leader writes to Kong; it
 * learns of changes by events, and compares everything at its start, regularly, and after any failure with back-off.
 */
export function createPublisher(
  options: Omit<PublishingContext, 'signal'> & { onError(error: Error): void },
): Publisher {
  const { config, pool, events } = options
  const stopping = new AbortController()
  const context: PublishingContext = { ...options, signal: stopping.signal }
  const settling = new Map<string, { again: boolean; done: Promise<void> }>()
  let leadership: Leadership | undefined
  let backOff = backOffMs.first
  let timer: NodeJS.Timeout | undefined
  let dueAt = Number.POSITIVE_INFINITY
  let pass: Promise<void> | undefined

  const active = () => leadership?.leads() === true && !stopping.signal.aborted

  /** One settling of an interface at a time; a change that comes meanwhile is settled after it. */
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
          await settleFace(context, id)
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
      if (!(await settleAll(await findUnsettled(context)))) {
        scheduleRetry()
        return
      }
      backOff = backOffMs.first
      schedule(config.RECONCILE_SECONDS * 1000)
    } catch (error) {
      events.reconcileFailed(error)
      scheduleRetry()
    }
  }

  /** True where all succeeded. A few at a time: Kong's Admin API is no fast path. */
  async function settleAll(ids: string[]): Promise<boolean> {
    let good = true
    for (let from = 0; from < ids.length && active(); from += settledAtOnce) {
      const results = await Promise.allSettled(ids.slice(from, from + settledAtOnce).map(settle))
      good &&= results.every(({ status }) => status === 'fulfilled')
    }
    return good
  }

  async function settleByHash(hash: string): Promise<void> {
    try {
      const id = await selectFaceIdByHash(pool, hash)
      if (id === undefined) schedule(0)
      else await settle(id)
    } catch {
      // Already logged and noted in the row; the next pass tries again.
      scheduleRetry()
    }
  }

  return {
    start() {
      leadership = seekLeadership({
        connectionString: config.DATABASE_URL,
        onError: options.onError,
        onChange(leads) {
          events.leading(leads)
          if (leads) schedule(0)
        },
      })
    },
    changed(hash) {
      if (active()) void settleByHash(hash)
    },
    reconcileSoon() {
      if (active()) schedule(0)
    },
    async stop() {
      stopping.abort()
      clearTimeout(timer)
      await Promise.allSettled([pass, ...[...settling.values()].map(({ done }) => done)])
      await leadership?.stop()
    },
  }
}
