import { retryAfterMs } from '@opsconductor/errors'

/** A CA's `Retry-After`; undefined where there is none that can be used. */
export function retryAfterSeconds(header: string | undefined, now: Date): number | undefined {
  const ms = retryAfterMs(header, now)
  return ms === undefined ? undefined : Math.min(Math.ceil(ms / 1_000), secondsMax)
}

/** The longest limits of public CAs are counted in a week. */
const secondsMax = 7 * 86_400
