import type { PlannedRetry } from './activity-contract.ts'

/** What a target may ask us to wait at most. */
const retryAfterSecondsMax = 3_600

/**
 * How long to wait after a failed attempt, in ms; undefined where Temporal's own schedule, which has no jitter, is
 * right. With jitter between half of the schedule's time and all of it.
 */
export function retryDelayMs(
  retry: PlannedRetry,
  attempt: number,
  retryAfterSeconds: number | undefined,
  random: () => number = Math.random,
): number | undefined {
  if (!retry.jitter && retryAfterSeconds === undefined) return undefined
  const scheduled = Math.min(retry.initialMs * retry.factor ** (attempt - 1), retry.maxMs)
  const wanted = retry.jitter ? scheduled * (0.5 + random() / 2) : scheduled
  return Math.round(Math.max(wanted, Math.min(retryAfterSeconds ?? 0, retryAfterSecondsMax) * 1000))
}
