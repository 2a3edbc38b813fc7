import { randomUUID } from 'node:crypto'
import { type Caller, callerLabel, projectOf } from '@opsconductor/auth'
import {
  namespaceOf,
  type RedeliverWebhookInput,
  redeliverWebhookWorkflow,
  runJobWorkflow,
} from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { temporalUnavailable } from '@opsconductor/temporal'
import type { ExecutorDeps } from '../deps.ts'
import { unknownRun } from '../runs/get-run.ts'
import type { WebhookMessage } from './store.ts'

const startMs = 5_000
/** Its one attempt is over long before, unless no worker serves the project. */
const workflowMsMax = 3_600_000

interface Asked {
  runId: string
  stepId: string
  item: string
}

/** Has a webhook of a run that has ended delivered once more: the same id and payload, signed anew. */
export async function askRedelivery(
  deps: Pick<ExecutorDeps, 'runs' | 'webhooks' | 'temporal' | 'workers' | 'events'>,
  caller: Caller,
  { runId, stepId, item }: Asked,
): Promise<{ id: string; message: WebhookMessage }> {
  const projectId = projectOf(caller)
  const run = await deps.runs.find(projectId, runId)
  if (run === undefined) throw unknownRun()
  const message = await deps.webhooks.findMessage(runId, stepId, item)
  if (message === undefined) throw new AppError('not_found', 'The run sent no webhook in such a step.')
  if (run.finishedAt === null)
    throw new AppError('conflict', 'The run is still going: its steps deliver their webhooks themselves.')
  if (message.request === null)
    throw new AppError(
      'conflict',
      'The webhook held a secret, or characters that cannot be stored: it was not kept and cannot be sent again.',
    )
  const id = randomUUID()
  const askedBy = callerLabel(caller)
  if (!(await deps.webhooks.openRedelivery(message, { id, askedBy })))
    throw new AppError('conflict', 'The webhook is being delivered again already.')
  deps.events.redeliveryAsked({ projectId, runId, redeliveryId: id, by: askedBy })
  await startWorkflow(deps, projectId, id)
  return { id, message }
}

async function startWorkflow(
  { temporal, workers, webhooks }: Pick<ExecutorDeps, 'temporal' | 'workers' | 'webhooks'>,
  projectId: string,
  id: string,
): Promise<void> {
  const input: RedeliverWebhookInput = { redelivery_id: id }
  try {
    if (!workers.serves(projectId)) await temporal.ready()
    await workers.serve(projectId)
    await temporal.connection.withDeadline(Date.now() + startMs, () =>
      temporal.clientFor(namespaceOf(projectId)).workflow.start(redeliverWebhookWorkflow.type, {
        taskQueue: runJobWorkflow.taskQueue,
        workflowId: `redelivery-${id}`,
        workflowExecutionTimeout: workflowMsMax,
        args: [input],
      }),
    )
  } catch (error) {
    // Should it have come through all the same, it finds nothing to do.
    await webhooks.closeRedelivery(id)
    throw temporalUnavailable(error) ?? error
  }
}
