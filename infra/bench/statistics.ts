/** The value below which `share` (0–1) of the samples lie. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

export interface Latencies {
  p50: number
  p99: number
  perSecond: number
}

/** Runs `call` one after the other `count` times; milliseconds. */
export async function measureSequential(count: number, call: () => Promise<unknown>): Promise<Latencies> {
  const samples: number[] = []
  const startedAt = performance.now()
  for (let i = 0; i < count; i++) {
    const since = performance.now()
    await call()
    samples.push(performance.now() - since)
  }
  return {
    p50: quantile(samples, 0.5),
    p99: quantile(samples, 0.99),
    perSecond: (count / (performance.now() - startedAt)) * 1000,
  }
}

/** `count` calls in all, `width` at a time. */
export async function measureConcurrent(
  count: number,
  width: number,
  call: () => Promise<unknown>,
): Promise<Latencies> {
  const samples: number[] = []
  const startedAt = performance.now()
  let left = count
  const lane = async () => {
    while (left-- > 0) {
      const since = performance.now()
      await call()
      samples.push(performance.now() - since)
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
  return {
    p50: quantile(samples, 0.5),
    p99: quantile(samples, 0.99),
    perSecond: (count / (performance.now() - startedAt)) * 1000,
  }
}
