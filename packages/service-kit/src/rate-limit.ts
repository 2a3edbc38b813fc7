import { AppError } from '@opsconductor/errors'

export interface RateLimit {
  /** Counts one; throws `too_many_requests` with Retry-After, and counts nothing, where the window is full. */
  take(key: string): void
}

const keysMax = 10_000

/** At most `max` within any `windowMs`, for each key. */
export function createRateLimit({
  max,
  windowMs,
  detail,
  now = Date.now,
}: {
  max: number
  windowMs: number
  detail: string
  now?: () => number
}): RateLimit {
  const taken = new Map<string, number[]>()
  return {
    take(key) {
      const at = now()
      const recent = (taken.get(key) ?? []).filter((time) => at - time < windowMs)
      const [oldest] = recent
      if (recent.length >= max)
        throw new AppError('too_many_requests', detail, {
          retryAfterSeconds: Math.ceil(((oldest as number) + windowMs - at) / 1000),
        })
      // The map is kept in the order of use.
      taken.delete(key)
      if (taken.size >= keysMax) taken.delete(taken.keys().next().value as string)
      taken.set(key, [...recent, at])
    },
  }
}
