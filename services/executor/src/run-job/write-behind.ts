/** A run's rows that may be under way at once; the next one waits for one of them. */
const underWayMax = 20

/**
 * Rows of short steps are written while the run goes on, and its end waits for them. A process that dies at that moment
 * loses the row, never the step's result, which is in the workflow's history or made again.
 */
export function createWriteBehind() {
  const underWay = new Map<string, Set<Promise<void>>>()
  return {
    /** `write` never fails. Resolves when the run may go on. */
    async add(runId: string, write: () => Promise<void>): Promise<void> {
      const writes = underWay.get(runId) ?? new Set()
      underWay.set(runId, writes)
      if (writes.size >= underWayMax) await Promise.race(writes)
      const writing = write().finally(() => {
        writes.delete(writing)
        if (writes.size === 0) underWay.delete(runId)
      })
      writes.add(writing)
    },
    async settled(runId: string): Promise<void> {
      await Promise.all(underWay.get(runId) ?? [])
    },
  }
}

export type WriteBehind = ReturnType<typeof createWriteBehind>
