import type { DurableStep } from '../run-job/workflow/durable-step.ts'
import { nextDelaySeconds, type WebhookRetry } from '../webhooks/delivery-schedule.ts'

/** Attempts with durable timers between them, until the receiver has taken the webhook or none is left. */
export const webhookCall: DurableStep = async (input: { retry: WebhookRetry }, ctx) => {
  const startedAt = ctx.now()
  for (let attempt = 1; ; attempt++)
    try {
      return await ctx.attempt(attempt, input)
    } catch (error) {
      if (ctx.isCancellation(error)) throw error
      const { retryable, retryAfterSeconds } = ctx.failureOf(error)
      const delay = nextDelaySeconds(input.retry, {
        attempt,
        elapsedSeconds: (ctx.now() - startedAt) / 1000,
        toldSeconds: retryAfterSeconds,
        key: ctx.idempotencyKey,
      })
      if (!retryable || delay === undefined) throw error
      await ctx.sleep(delay)
    }
}
