import type { DurableStep } from '../run-job/workflow/durable-step.ts'
import { forEach } from './for-each.workflow.ts'
import { jobRun } from './job-run.workflow.ts'
import { wait } from './wait.workflow.ts'
import { webhookCall } from './webhook-call.workflow.ts'

/** The parts of step types that run in the workflow; what people see of the types is in `index.ts`. */
export const durableSteps: Readonly<Record<string, DurableStep>> = {
  for_each: forEach,
  'job.run': jobRun,
  wait,
  'webhook.call': webhookCall,
}
