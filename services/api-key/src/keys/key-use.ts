export interface KeyUse {
  record(keyId: string, usedAt: number): void
  /** Writes what was recorded since the last flush, in one statement. */
  flush(): Promise<void>
  stop(): Promise<void>
}

export interface KeyUseOptions {
  write(items: { keyId: string; usedAt: number }[]): Promise<unknown>
  onWriteError(error: unknown): void
  everyMs?: number
}

/** Gathers the uses of keys, so that `last_used_at` costs one write every two seconds and not one a request. */
export function createKeyUse(options: KeyUseOptions): KeyUse {
  let latest = new Map<string, number>()

  function record(keyId: string, usedAt: number): void {
    latest.set(keyId, Math.max(usedAt, latest.get(keyId) ?? usedAt))
  }

  async function flush(): Promise<void> {
    if (latest.size === 0) return
    const batch = latest
    latest = new Map()
    try {
      await options.write([...batch].map(([keyId, usedAt]) => ({ keyId, usedAt })))
    } catch (error) {
      for (const [keyId, usedAt] of batch) record(keyId, usedAt)
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
