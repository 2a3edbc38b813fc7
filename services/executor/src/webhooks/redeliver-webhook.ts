import type { RunJobDeps } from '../run-job/run-job-deps.ts'
import { type AttemptContext, runStep } from '../run-job/run-step.ts'
import { StepError } from '../run-job/step-error.ts'

/** Makes the one attempt of a redelivery that was asked for. What becomes of it stands in the delivery log. */
export async function redeliverWebhook(
  deps: RunJobDeps,
  projectId: string,
  redeliveryId: string,
  context: AttemptContext,
): Promise<void> {
  const found = await deps.webhooks.findOpenRedelivery(redeliveryId)
  if (found === undefined || found.message.projectId !== projectId || found.message.request === null) return
  const { runId, stepId, item, request } = found.message
  try {
    await runStep(
      deps,
      projectId,
      { ...request, runId, stepId, item, redeliveryId },
      { ...context, attempt: found.attempt },
    )
  } catch (error) {
    if (!(error instanceof StepError) || context.cancelled.aborted) throw error
  }
  await deps.webhooks.closeRedelivery(redeliveryId)
}
