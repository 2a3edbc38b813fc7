import { unlessAborted } from './unless-aborted.ts'

export type Turns = ReturnType<typeof createTurns>

/**
 * Work of this process that is done one piece at a time for each key (`server:<id>`, `deployment:<id>`, `report:<id>`), in
 * the order in which it was asked for.
 */
export function createTurns() {
  /** By key, when the last turn that was asked for is over. */
  const last = new Map<string, Promise<void>>()
  /** By key, a shared turn that has not come. */
  const shared = new Map<string, Promise<void>>()

  /** Throws `signal`'s reason where it fires before the turn comes. */
  async function take<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = last.get(key) ?? Promise.resolve()
    const turn = Promise.withResolvers<void>()
    const over = before.then(() => turn.promise)
    last.set(key, over)
    void over.then(() => {
      if (last.get(key) === over) last.delete(key)
    })
    try {
      await unlessAborted(before, signal)
      signal.throwIfAborted()
      return await work()
    } finally {
      turn.resolve()
    }
  }

  /** Work that serves whoever asks for it before its turn comes: it is done once for all of them. */
  async function share(key: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const others = shared.get(key)
    if (others !== undefined) {
      const isDone = others.then(
        () => true,
        () => false,
      )
      // What failed for others, as it was stopped, may not fail for us.
      return (await unlessAborted(isDone, signal)) ? undefined : share(key, signal, work)
    }
    const forget = () => {
      if (shared.get(key) === mine) shared.delete(key)
    }
    const mine = take(key, signal, () => {
      forget()
      return work()
    }).finally(forget)
    shared.set(key, mine)
    return mine
  }

  return { take, share }
}
