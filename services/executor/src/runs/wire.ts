import type { Run, StepAttempt } from './store.ts'

const at = (time: Date | null): string | null => time?.toISOString() ?? null

export const toRunWire = (run: Run) => ({
  id: run.id,
  job_id: run.jobId,
  job_version: run.jobVersion,
  project_id: run.projectId,
  parent_run_id: run.parentRunId,
  status: run.status,
  trigger: run.trigger,
  input: run.input,
  output: run.output,
  error: run.error,
  created_at: run.createdAt.toISOString(),
  started_at: at(run.startedAt),
  finished_at: at(run.finishedAt),
})

export const toStepWire = (step: StepAttempt) => ({
  id: step.id,
  step_id: step.stepId,
  item: step.item === '' ? null : step.item,
  type: step.type,
  status: step.status,
  attempt: step.attempt,
  output: step.output,
  error: step.error,
  progress: step.progress,
  started_at: at(step.startedAt),
  finished_at: at(step.finishedAt),
})
