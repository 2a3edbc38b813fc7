import type {
  CallOperation,
  CallTarget,
  Condition,
  RunFailure,
  RunJobInput,
  RunJobRequest,
  RunOutcome,
} from '@opsconductor/contracts'
import type {
  AskedCall,
  AwaitedUpdate,
  BegunCall,
  EndedCall,
  OpenedCall,
  OperationEnd,
} from '../project-calls/call-contract.ts'

// Plans and requests stand in histories, which later versions of this code replay: fields that came later are optional.

export interface PlannedRetry {
  initialMs: number
  factor: number
  maxMs: number
  jitter: boolean
}

/**
 * `local`: ends within seconds and may be repeated, so it runs beside the workflow's own task. `whole`, `attempts`: a
 * durable step type, see define-step-type.ts.
 */
export type StepMode = 'activity' | 'local' | 'whole' | 'attempts'

/** One step as the workflow runs it; limits are resolved from the step type when the run is opened. */
export interface PlannedStep {
  id: string
  type: string
  credential: string | null
  clientCertificate: string | null
  connector?: string
  via?: string[]
  /** With its templates as they are written. */
  input: Record<string, unknown>
  urlFields: readonly string[]
  timeoutSeconds: number
  attemptsMax: number
  /** Among all steps of the job, in the order they are written. */
  position?: number
  mode?: StepMode
  retry?: PlannedRetry
  condition?: Condition
  continueOnError?: boolean
  /** What a loop runs for each item. */
  steps?: PlannedStep[]
}

/** What the run is, once it has its row. */
export interface RunFacts {
  runId: string
  jobId: string
  version: number
  trigger: RunJobInput['trigger']
  /** How many runs are above this one. */
  depth: number
  /** The projects that wait for it, from the first on; absent where none does. */
  callChain?: string[]
}

/** `ended`: this run has an outcome already (an Idempotency-Key that came back after Temporal forgot the workflow). */
export type OpenedRun = { ended: RunOutcome } | OpenRunPlan
export interface OpenRunPlan {
  ended: null
  steps: PlannedStep[]
  outputTemplate: unknown
  hasOutputTemplate: boolean
  finally?: PlannedStep[]
  /** Absent where the run was named by its starter and opened by an earlier version. */
  facts?: RunFacts
}

/** A step of a run, in a loop or not. */
export interface StepPlace {
  runId: string
  position: number
  stepId: string
  type: string
  /** Where it stands in the loops around it, as `17` or `17.3`; empty outside. */
  item?: string
}

/** The same over all attempts of a step, at its place in the loops around it. */
export const idempotencyKeyOf = ({ runId, stepId, item = '' }: StepPlace): string =>
  [runId, stepId, ...(item === '' ? [] : [item])].join(':')

export interface StepRequest extends StepPlace {
  credential: string | null
  clientCertificate: string | null
  /** Then what opens it takes the place of `credential`. */
  connector?: string
  via?: string[]
  /** Rendered. */
  input: unknown
  timeoutSeconds: number
  retry?: PlannedRetry
  /** Set where the workflow counts the attempts itself. */
  attempt?: number
  /** Set where a webhook of a run that has ended is delivered once more; credentials are lent for it, not for the run. */
  redeliveryId?: string
}

export type StepFailure = Pick<RunFailure, 'code' | 'message'>

export type DurableEnd =
  | { status: 'succeeded'; output: unknown }
  | { status: 'failed'; error: StepFailure }
  | { status: 'cancelled' }
  | { status: 'skipped' }

/** What the workflow asks of its worker. Everything that goes in and out of activities that are not local stands in Temporal's history. */
export interface RunJobActivities {
  /** Writes the run's row and loads its job version. May be called again with the same run. */
  openRun(
    input: RunJobInput | RunJobRequest,
    workflowId: string,
    firstExecutionRunId?: string,
  ): Promise<OpenedRun>
  /** A loop of a run, for a workflow that runs a part of its items. */
  openLoop(runId: string, stepId: string): Promise<PlannedStep>
  runStep(request: StepRequest): Promise<unknown>
  /** Parses the rendered input of a durable step, and writes its row where none of its attempts does. */
  beginStep(place: StepPlace, input: unknown): Promise<Record<string, unknown>>
  /** Writes the end of a step that is no activity; answers the result, or what it became where it was too large. */
  endStep(place: StepPlace, end: DurableEnd): Promise<unknown>
  /** The value as an artefact of the step. */
  keepValue(place: StepPlace, value: unknown): Promise<unknown>
  /** Makes the attempt that was asked for under this id. */
  redeliverWebhook(redeliveryId: string): Promise<void>
  /** Leave to call another project, and everything that must be before the workflow may name an endpoint. */
  beginCall(place: StepPlace, asked: AskedCall): Promise<BegunCall>
  /** Writes the end of a call; answers what the step fails with. */
  endCall(
    place: StepPlace,
    operation: CallOperation,
    call: Pick<OpenedCall, 'connectorId' | 'outputSchema'>,
    end: OperationEnd,
  ): Promise<EndedCall>
  /** What an update of a workflow of the project answers, for as long as that takes. */
  waitForUpdate(update: AwaitedUpdate): Promise<unknown>
  /** Writes the outcome into the run's row. May be called again with the same run. */
  closeRun(outcome: RunOutcome, outputSchema?: CallTarget['output_schema']): Promise<void>
}
