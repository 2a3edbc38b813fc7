import type { RunFailure, RunJobInput, RunOutcome, Step } from '@opsconductor/contracts'

/** One step as the workflow runs it; limits are resolved from the step type when the run is opened. */
export interface PlannedStep {
  id: string
  type: string
  credential: string | null
  clientCertificate: string | null
  /** With its templates as they are written. */
  input: Step['input']
  urlFields: readonly string[]
  timeoutSeconds: number
  attemptsMax: number
}

/** `ended`: this run has an outcome already (an Idempotency-Key that came back after Temporal forgot the workflow). */
export type OpenedRun =
  | { ended: RunOutcome }
  | { ended: null; steps: PlannedStep[]; outputTemplate: unknown; hasOutputTemplate: boolean }

export interface StepRequest {
  runId: string
  position: number
  stepId: string
  type: string
  credential: string | null
  clientCertificate: string | null
  /** Rendered. */
  input: unknown
  timeoutSeconds: number
}

/** What the workflow asks of its worker. Everything that goes in and out of these stands in Temporal's history. */
export interface RunJobActivities {
  /** Writes the run's row and loads its job version. May be called again with the same run. */
  openRun(input: RunJobInput, workflowId: string): Promise<OpenedRun>
  runStep(request: StepRequest): Promise<unknown>
  /** Writes the outcome into the run's row. May be called again with the same run. */
  closeRun(outcome: RunOutcome): Promise<void>
}

export type StepFailure = Pick<RunFailure, 'code' | 'message'>
