import type { DurableContext, DurableStep, ItemOutcome, LoopBatch } from '../run-job/workflow/durable-step.ts'

/** Steps that one workflow runs of a loop by itself; more go to workflows of their own. */
const ownStepsMax = 200
/** Items that one such workflow is given; it answers early where its history gets long. */
const batchItemsMax = 500
/** A workflow's result may hold 2 MB; what is under way when the limit is reached comes on top. */
const outcomesCharactersMax = 512 * 1024

export interface ForEachInput {
  items: readonly unknown[]
  as: string
  concurrency: number
  on_item_error: 'stop' | 'continue'
}

export const forEach: DurableStep = async ({ items, as, concurrency, on_item_error }: ForEachInput, ctx) => {
  const options = { as, concurrency, stopOnError: on_item_error === 'stop' }
  const outcomes: ItemOutcome[] = []
  while (outcomes.length < items.length) {
    const firstIndex = outcomes.length
    const isOwn = items.length * stepsWithin(ctx.loop.steps) <= ownStepsMax && !ctx.loop.isHistoryLong()
    const batch: LoopBatch = {
      options,
      firstIndex,
      items: items.slice(firstIndex, isOwn ? undefined : firstIndex + batchItemsMax),
    }
    const done = isOwn ? await runLoopItems(batch, ctx) : await ctx.loop.runBatch(batch)
    // What ran here has been counted where it ran.
    if (!isOwn) ctx.loop.spend(done)
    outcomes.push(...done)
    for (const [at, outcome] of done.entries())
      if (outcome.status === 'failed' && options.stopOnError)
        ctx.fail({ ...outcome.error, message: `Item ${firstIndex + at}: ${outcome.error.message}` })
  }
  const failed = outcomes.filter(({ status }) => status === 'failed').length
  return {
    total: outcomes.length,
    succeeded: outcomes.length - failed,
    failed,
    items: outcomes,
  }
}

/** A loop inside is taken to have ten items. */
const stepsWithin = (steps: DurableContext['loop']['steps']): number =>
  steps.reduce((sum, step) => sum + 1 + stepsWithin(step.steps ?? []) * 10, 0)

/**
 * Runs the items, at most `concurrency` at once, until all are done, one failed that stops the loop, or the history is
 * long; answers the outcomes of those that were begun, in order, at least one.
 */
export async function runLoopItems(
  { options, firstIndex, items }: LoopBatch,
  ctx: Pick<DurableContext, 'loop' | 'failureOf' | 'isCancellation'>,
): Promise<ItemOutcome[]> {
  const outcomes: ItemOutcome[] = []
  let next = 0
  let characters = 0
  let isStopped = false
  let fatal: unknown
  const runOne = async (at: number): Promise<ItemOutcome> => {
    const index = firstIndex + at
    const variables = { [options.as]: items[at], [`${options.as}_index`]: index }
    try {
      const output = await ctx.loop.keep(await ctx.loop.runItem(index, variables), index)
      return { status: 'succeeded', output }
    } catch (error) {
      if (ctx.isCancellation(error) || ctx.loop.isExhausted()) throw error
      const { code, message } = ctx.failureOf(error)
      if (options.stopOnError) isStopped = true
      return { status: 'failed', error: { code, message } }
    }
  }
  const isFull = () => next > 0 && (characters > outcomesCharactersMax || ctx.loop.isHistoryLong())
  const work = async () => {
    while (next < items.length && !isStopped && fatal === undefined && !isFull()) {
      const mine = next++
      try {
        const outcome = await runOne(mine)
        outcomes[mine] = outcome
        characters += JSON.stringify(outcome).length
      } catch (error) {
        fatal = error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(options.concurrency, items.length) }, work))
  if (fatal !== undefined) throw fatal
  return outcomes
}
