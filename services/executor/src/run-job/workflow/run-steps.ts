import type { RunJobInput, RunProgress } from '@opsconductor/contracts'
import { ActivityCancellationType, ApplicationFailure, proxyActivities } from '@temporalio/workflow'
import { renderTemplates, type TemplateScope } from '../../templating/render.ts'
import type { OpenedRun, PlannedStep, RunJobActivities } from '../activity-contract.ts'

/** A history may hold 50 MB; what steps take and give stands in it. */
const runCharactersMax = 16 * 1024 * 1024
/** A step ends itself when its time is up. The margin is for what stands around it: waiting out a database restart. */
const timeoutMarginSeconds = 60

type Plan = Extract<OpenedRun, { ended: null }>

/** Runs the steps in order, each seeing the input and the results before it; answers the run's output. */
export async function runSteps(input: RunJobInput, plan: Plan, progress: RunProgress): Promise<unknown> {
  // No prototype: a step may be called anything.
  const results: Record<string, unknown> = Object.create(null)
  const scope: TemplateScope = {
    input: input.input,
    steps: results,
    run: { id: input.run_id, job_id: input.job_id, job_version: input.version },
  }
  let characters = 0
  let last: unknown = null
  for (const [position, step] of plan.steps.entries()) {
    progress.step_id = step.id
    const rendered = renderTemplates(step.input, scope, { urlFields: step.urlFields })
    last = await runStep(step, position, rendered, input.run_id)
    results[step.id] = last
    characters += JSON.stringify(rendered).length + JSON.stringify(last).length
    if (characters > runCharactersMax)
      throw ApplicationFailure.nonRetryable(
        'The steps of the run took and gave more than a run can hold.',
        'target_answer_too_large',
      )
  }
  if (!plan.hasOutputTemplate) return last
  progress.step_id = null
  return renderTemplates(plan.outputTemplate, scope)
}

function runStep(step: PlannedStep, position: number, input: unknown, runId: string): Promise<unknown> {
  const activities = proxyActivities<Pick<RunJobActivities, 'runStep'>>({
    startToCloseTimeout: (step.timeoutSeconds + timeoutMarginSeconds) * 1000,
    heartbeatTimeout: '10 seconds',
    // The step says itself whether it was stopped or came to its end first.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      maximumAttempts: step.attemptsMax,
      initialInterval: '500 milliseconds',
      backoffCoefficient: 2,
      maximumInterval: '30 seconds',
    },
    summary: `${step.id} (${step.type})`,
  })
  return activities.runStep({
    runId,
    position,
    stepId: step.id,
    type: step.type,
    credential: step.credential,
    clientCertificate: step.clientCertificate,
    input,
    timeoutSeconds: step.timeoutSeconds,
  })
}
