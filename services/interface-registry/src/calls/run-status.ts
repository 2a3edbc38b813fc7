import {
  type CallAnswer,
  namespaceOf,
  type RunOutcome,
  RunProgress,
  runJobWorkflow,
  workflowIdOf,
} from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { Reply } from '@opsconductor/service-kit'
import type { Client } from '@temporalio/client'
import type { Call, CallContext } from './call-context.ts'
import { describeRun, type FoundRun, outcomeOfClosed } from './find-run.ts'
import { runIdOf } from './run-reference.ts'
import { fromTemporal } from './temporal-errors.ts'

/** A worker that is busy or away must not hold the status: it then says what Temporal itself knows. */
const progressMs = 2_000

const clientOf = ({ deps, target }: CallContext) => deps.temporal.clientFor(namespaceOf(target.projectId))
const noSuchRun = () => new AppError('not_found', 'There is no such run.')

/** `GET /_runs/{id}`: only for the key that started the run, through the interface that started it. */
export async function readRunStatus(context: CallContext, runId: string): Promise<Reply> {
  const { target, key } = context
  return reply(
    context,
    runId,
    ({ memo }) => memo.interface_id === target.interfaceId && memo.api_key_id === key.key_id,
  )
}

/** A job's `status` interface: for every run of its workflow that was started by a call. */
export async function queryRun(context: CallContext, { input }: Call): Promise<Reply> {
  return reply(context, runIdOf(input), ({ memo }) => memo.registry_workflow_id === context.target.workflowId)
}

async function reply(
  context: CallContext,
  runId: string,
  mayRead: (run: FoundRun) => boolean,
): Promise<Reply> {
  const client = clientOf(context)
  try {
    const run = await describeRun(client, runId)
    if (run === undefined || !mayRead(run)) throw noSuchRun()
    return { status: 200, body: await statusOf(client, run) }
  } catch (error) {
    throw fromTemporal(error)
  }
}

async function statusOf(client: Client, run: FoundRun): Promise<CallAnswer> {
  if (run.status === 'closed') return answerOf(await outcomeOfClosed(client, run))
  const progress = await queryProgress(client, run.runId)
  if (progress === undefined) return { run_id: run.runId, status: 'running' }
  // The run may have its outcome while its workflow is still being closed.
  if (progress.outcome !== null) return answerOf(progress.outcome)
  return { run_id: run.runId, status: progress.status, step_id: progress.step_id }
}

const answerOf = (outcome: RunOutcome): CallAnswer => ({
  run_id: outcome.run_id,
  status: outcome.status,
  ...(outcome.status === 'succeeded' ? { output: outcome.output } : { error: outcome.error }),
})

async function queryProgress(client: Client, runId: string): Promise<RunProgress | undefined> {
  try {
    const answer = await client.withDeadline(Date.now() + progressMs, () =>
      client.workflow.getHandle(workflowIdOf(runId)).query(runJobWorkflow.query),
    )
    return RunProgress.safeParse(answer).data
  } catch {
    return undefined
  }
}
