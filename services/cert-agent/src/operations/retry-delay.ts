const firstMs = 60_000
const mostMs = 6 * 3_600_000
/** What a CA may ask us to wait at most; its limits are counted per week. */
const askedMostMs = 7 * 24 * 3_600_000

/**
 * How long after the failed attempt (1: the first) the next one is made, in ms: from a minute, doubling, to six hours.
 * `remainingMs`: until what is in use expires; a tenth of it is not let pass, so that it is renewed in time even where the
 * fault goes away late. `askedMs`: what whoever failed asked us to wait, which comes before all.
 */
export function retryDelayMs(
  attempt: number,
  { remainingMs, askedMs = 0 }: { remainingMs?: number | undefined; askedMs?: number | undefined } = {},
): number {
  const doubled = Math.min(firstMs * 2 ** Math.min(attempt - 1, 20), mostMs)
  const urgent =
    remainingMs === undefined || remainingMs <= 0 ? doubled : Math.max(firstMs, Math.round(remainingMs / 10))
  return Math.max(Math.min(doubled, urgent), Math.min(askedMs, askedMostMs))
}
