export interface Chore {
  name: string
  everyMs: number
  run(): Promise<unknown>
}

export interface Chores {
  /** Does every chore at once, and each again when its time has come since it was done; never one twice at a time. */
  start(): void
  /** Resolves when none is under way any more. */
  stop(): Promise<void>
}

/** What the service does without being asked. A chore that fails is told of, and done again in its time. */
export function createChores(
  chores: readonly Chore[],
  onError: (name: string, error: unknown) => void,
): Chores {
  const timers = new Map<Chore, NodeJS.Timeout>()
  const underWay = new Set<Promise<void>>()
  let stopped = false

  async function doNow(chore: Chore): Promise<void> {
    await chore.run().catch((error: unknown) => onError(chore.name, error))
    if (stopped) return
    const timer = setTimeout(() => begin(chore), chore.everyMs)
    timers.set(chore, timer.unref())
  }

  function begin(chore: Chore): void {
    const doing = doNow(chore)
    underWay.add(doing)
    void doing.finally(() => underWay.delete(doing))
  }

  return {
    start() {
      for (const chore of chores) begin(chore)
    },
    async stop() {
      stopped = true
      for (const timer of timers.values()) clearTimeout(timer)
      await Promise.all(underWay)
    },
  }
}
