import type { CallRequest } from '../project-calls/workflow/call-project.ts'
import type { DurableStep } from '../run-job/workflow/durable-step.ts'

export const projectSignal: DurableStep = async (input: CallRequest, ctx) => {
  await ctx.callProject({ ...input, operation: 'signal' })
  return { accepted: true }
}
