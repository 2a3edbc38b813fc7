import type { CallRequest } from '../project-calls/workflow/call-project.ts'
import type { DurableStep } from '../run-job/workflow/durable-step.ts'

export const projectCall: DurableStep = (input: CallRequest, ctx) =>
  ctx.callProject({ ...input, operation: 'call' })
