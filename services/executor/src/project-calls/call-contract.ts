import type { CallOperation, CallTarget } from '@opsconductor/contracts'

// What the workflow of a calling run and its activities say to each other; it stands in histories.

export interface AskedCall {
  connector: string
  operation: CallOperation
  input: unknown
  /** The projects that wait for the run, without its own. */
  chain: readonly string[]
  /** How long the step may take. */
  timeoutSeconds: number
}

export type BegunCall = { failure: CallFailure } | OpenedCall

export interface OpenedCall {
  failure: null
  endpoint: string
  grant: string
  /** The schedule-to-close timeout. */
  seconds: number
  connectorId: string
  sourceProjectId: string
  outputSchema: CallTarget['output_schema']
  /** True where the answer is a run's outcome, of which the caller gets the output. */
  answersRun: boolean
}

/** How the Nexus operation ended, as far as a workflow can tell. */
export type OperationEnd =
  | { status: 'succeeded'; output: unknown }
  | { status: 'begun'; token: string | undefined }
  | { status: 'cancelled' }
  | {
      status: 'failed'
      by: 'application'
      code: string
      message: string
      retryable: boolean
      hadBegun?: boolean
    }
  | { status: 'failed'; by: 'timeout' | 'cancellation' }
  | { status: 'failed'; by: 'handler'; code: string; message: string }

export interface CallFailure {
  code: string
  message: string
  retryable: boolean
  /** The way to the target failed, not what is there: counts for the breaker, and may be gone the next time. */
  isOfPath?: boolean
}

export interface EndedCall {
  /** Undefined where the call succeeded. */
  failure?: CallFailure
  /** Of an operation that was begun and not waited for. */
  workflowId?: string
}

/** An update of a workflow of the project, that was asked for under its id or is to be. */
export interface AwaitedUpdate {
  workflowId: string
  name: string
  input: unknown
  updateId: string
  /** What its answer must fit. */
  outputSchema?: CallTarget['output_schema']
}
