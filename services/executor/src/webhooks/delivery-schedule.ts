/** How a webhook is tried again; a `webhook.call` step's `retry`. */
export interface WebhookRetry {
  max_attempts: number
  first_seconds: number
  max_seconds: number
  give_up_after_seconds: number
}

interface FailedAttempt {
  /** 1 for the first. */
  attempt: number
  /** Since the first attempt began. */
  elapsedSeconds: number
  /** What the receiver asked to wait. */
  toldSeconds?: number | undefined
  /** Spreads what failed together; the same for the same message. */
  key: string
}

const factor = 4
/** Of the schedule's time, up or down; of what a receiver asked for, only up. */
const spread = { planned: 0.25, told: 0.1 }

/**
 * Seconds until the next attempt; undefined where none is left. Pure, and without chance of its own: the workflow waits by
 * it and the attempt writes it down, and both must come to the same.
 */
export function nextDelaySeconds(
  retry: WebhookRetry,
  { attempt, elapsedSeconds, toldSeconds = 0, key }: FailedAttempt,
): number | undefined {
  if (attempt >= retry.max_attempts) return undefined
  const chance = chanceOf(`${key} ${attempt}`)
  const planned = Math.min(retry.first_seconds * factor ** (attempt - 1), retry.max_seconds)
  const told = Math.min(toldSeconds, retry.max_seconds)
  const delay = Math.max(
    planned * (1 - spread.planned + 2 * spread.planned * chance),
    told * (1 + spread.told * chance),
  )
  return elapsedSeconds + delay > retry.give_up_after_seconds ? undefined : Math.round(delay * 1000) / 1000
}

/** From 0 to 1, by FNV-1a with a last mixing. */
function chanceOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)
  return ((hash ^ (hash >>> 13)) >>> 0) / 0xffffffff
}
