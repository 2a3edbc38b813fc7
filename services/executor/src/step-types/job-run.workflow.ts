import type { RunJobRequest } from '@opsconductor/contracts'
import type { DurableStep } from '../run-job/workflow/durable-step.ts'

export const jobRun: DurableStep = ({ job, version, input }: RunJobRequest, ctx) =>
  ctx.runJob({ job, version, input })
