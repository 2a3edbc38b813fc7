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

async function timed(call: () => Promise<unknown>): Promise<number> {
  const since = performance.now()
  await call()
  return performance.now() - since
}

/** Of calls that ran one after the other. */
function summarise(samples: readonly number[]): Latencies {
  const totalMs = samples.reduce((sum, sample) => sum + sample, 0)
  return {
    p50: quantile(samples, 0.5),
    p99: quantile(samples, 0.99),
    perSecond: (samples.length / totalMs) * 1000,
  }
}

/** Runs `call` one after the other `count` times; milliseconds. */
export async function measureSequential(count: number, call: () => Promise<unknown>): Promise<Latencies> {
  const samples: number[] = []
  for (let i = 0; i < count; i++) samples.push(await timed(call))
  return summarise(samples)
}

/** Runs blocks of `a` and `b` in turns, so that whatever else the machine does meets both; milliseconds. */
export async function measureInTurns(
  rounds: number,
  perRound: number,
  a: () => Promise<unknown>,
  b: () => Promise<unknown>,
): Promise<[Latencies, Latencies]> {
  const samples: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++)
    for (const [i, call] of [a, b].entries())
      for (let n = 0; n < perRound; n++) samples[i as 0 | 1].push(await timed(call))
  return [summarise(samples[0]), summarise(samples[1])]
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
      samples.push(await timed(call))
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
  return {
    p50: quantile(samples, 0.5),
    p99: quantile(samples, 0.99),
    perSecond: (count / (performance.now() - startedAt)) * 1000,
  }
}
