import type { CallRequest } from '../project-calls/workflow/call-project.ts'
import type { DurableStep } from '../run-job/workflow/durable-step.ts'

export const projectStart: DurableStep = (input: CallRequest, ctx) =>
  ctx.callProject({ ...input, operation: 'start' })
