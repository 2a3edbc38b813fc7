import type { DurableStep } from '../run-job/workflow/durable-step.ts'
import { forEach } from './for-each.workflow.ts'
import { jobRun } from './job-run.workflow.ts'
import { projectCall } from './project-call.workflow.ts'
import { projectQuery } from './project-query.workflow.ts'
import { projectSignal } from './project-signal.workflow.ts'
import { projectStart } from './project-start.workflow.ts'
import { wait } from './wait.workflow.ts'
import { webhookCall } from './webhook-call.workflow.ts'

/** The parts of step types that run in the workflow; what people see of the types is in `index.ts`. */
export const durableSteps: Readonly<Record<string, DurableStep>> = {
  for_each: forEach,
  'job.run': jobRun,
  'project.call': projectCall,
  'project.query': projectQuery,
  'project.signal': projectSignal,
  'project.start': projectStart,
  wait,
  'webhook.call': webhookCall,
}
