import type { RunJobCall, RunJobInput, RunOutcome, RunProgress } from '@opsconductor/contracts'
import {
  ApplicationFailure,
  allHandlersFinished,
  CancelledFailure,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow'

const { effect } = proxyActivities<{ effect(name: string): Promise<void> }>({
  startToCloseTimeout: '10 seconds',
})

interface TestInput {
  /** Recorded once per execution of the workflow. */
  effect?: string
  fail?: string
  /** Stays open until it is cancelled, or for so long. */
  wait_ms?: number
  output?: unknown
}

/** Speaks the executor's contract (packages/contracts/src/run-job.ts); does what its input says instead of a job's steps. */
export async function runJob(input: RunJobInput): Promise<RunOutcome> {
  let outcome: RunOutcome | undefined
  let cancelled = false
  setHandler(
    defineUpdate<RunOutcome, [RunJobCall]>('run'),
    async () => {
      await condition(() => outcome !== undefined)
      return outcome as unknown as RunOutcome
    },
    {
      validator(call) {
        if (call.body_hash !== input.body_hash)
          throw ApplicationFailure.nonRetryable('another body', 'idempotency_mismatch')
      },
    },
  )
  setHandler(
    defineQuery<RunProgress>('status'),
    (): RunProgress => ({
      run_id: input.run_id,
      status: outcome?.status ?? 'running',
      step_id: outcome === undefined ? 'only' : null,
      outcome: outcome ?? null,
    }),
  )
  setHandler(defineSignal('cancel'), () => {
    cancelled = true
  })
  const wish = input.input as TestInput
  if (wish.effect !== undefined) await effect(wish.effect)
  if (wish.wait_ms !== undefined) await condition(() => cancelled, wish.wait_ms)
  outcome = cancelled ? cancelledOutcome(input.run_id) : finished(input.run_id, wish)
  await condition(allHandlersFinished)
  if (outcome.status === 'succeeded') return outcome
  if (outcome.status === 'cancelled') throw new CancelledFailure(outcome.error.message)
  throw ApplicationFailure.nonRetryable(outcome.error.message, outcome.error.code)
}

function finished(runId: string, wish: TestInput): RunOutcome {
  if (wish.fail !== undefined)
    return {
      run_id: runId,
      status: 'failed',
      error: { code: wish.fail, message: 'the target said no', step_id: 'only' },
    }
  return { run_id: runId, status: 'succeeded', output: (wish.output ?? { done: true }) as never }
}

const cancelledOutcome = (runId: string): RunOutcome => ({
  run_id: runId,
  status: 'cancelled',
  error: { code: 'run_cancelled', message: 'The run was cancelled.', step_id: null },
})

/** A long-lived workflow of a project's own. */
export async function counter(): Promise<void> {
  let count = 0
  let closed = false
  setHandler(
    defineUpdate<{ count: number }, [{ by?: number }]>('add'),
    ({ by = 1 }) => {
      count += by
      return { count }
    },
    {
      validator({ by = 1 }) {
        if (by < 0) throw ApplicationFailure.nonRetryable('by must not be negative')
      },
    },
  )
  setHandler(defineUpdate('forever'), async () => {
    await condition(() => closed)
  })
  setHandler(defineQuery<{ count: number }, [unknown]>('count'), () => ({ count }))
  setHandler(defineSignal<[{ to: number }]>('reset'), ({ to }) => {
    count = to
  })
  setHandler(defineSignal('close'), () => {
    closed = true
  })
  await condition(() => closed)
}
