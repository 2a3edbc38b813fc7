/** When a key was used last, in milliseconds since 1970. */
interface UsedKey {
  keyId: string
  usedAt: number
}

export interface KeyUse {
  record(keyId: string, usedAt: number): void
  /** Writes what was recorded since the last flush. */
  flush(): Promise<void>
  stop(): Promise<void>
}

interface KeyUseOptions {
  /** Never gets more than 10,000 at once, which is what api-key takes in one report. */
  write(items: UsedKey[]): Promise<unknown>
  onWriteError(error: unknown): void
  everyMs?: number
}

const batchMax = 10_000

/** Gathers the uses of keys, so that `last_used_at` costs one write every two seconds and not one a request. */
export function createKeyUse(options: KeyUseOptions): KeyUse {
  let latest = new Map<string, number>()

  function record(keyId: string, usedAt: number): void {
    latest.set(keyId, Math.max(usedAt, latest.get(keyId) ?? usedAt))
  }

  async function flush(): Promise<void> {
    const due = [...latest].map(([keyId, usedAt]) => ({ keyId, usedAt }))
    latest = new Map()
    try {
      while (due.length > 0) {
        await options.write(due.slice(0, batchMax))
        due.splice(0, batchMax)
      }
    } catch (error) {
      for (const { keyId, usedAt } of due) record(keyId, usedAt)
      options.onWriteError(error)
    }
  }

  const timer = setInterval(() => void flush(), options.everyMs ?? 2_000)
  timer.unref()
  return {
    record,
    flush,
    async stop() {
      clearInterval(timer)
      await flush()
    },
  }
}
