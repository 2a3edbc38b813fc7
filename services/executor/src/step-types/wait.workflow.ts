import type { DurableStep } from '../run-job/workflow/durable-step.ts'

export type WaitInput = { seconds?: number; until?: string }

export const wait: DurableStep = async ({ seconds, until }: WaitInput, ctx) => {
  const from = ctx.now()
  const to = until === undefined ? from + (seconds as number) * 1000 : Date.parse(until)
  if (to - from > waitSecondsMax * 1000)
    ctx.fail({
      code: 'validation_failed',
      message: `input.until is more than ${waitSecondsMax} seconds away`,
    })
  if (to > from) await ctx.sleep((to - from) / 1000)
  return { waited_seconds: Math.round((ctx.now() - from) / 1000), until: new Date(to).toISOString() }
}

/** 31 days. */
export const waitSecondsMax = 31 * 24 * 3600
