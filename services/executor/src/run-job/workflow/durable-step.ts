import type { RunJobRequest } from '@opsconductor/contracts'
import type { CallAnswer, CallRequest } from '../../project-calls/workflow/call-project.ts'
import type { PlannedStep, StepFailure } from '../activity-contract.ts'

/** The part of a step type that runs in the workflow. `input` is what the step type's own schema made of it. */
// biome-ignore lint/suspicious/noExplicitAny: the schema that types it brings zod, which stays out of workflows.
export type DurableStep = (input: any, ctx: DurableContext) => Promise<unknown>

/** `retryAfterSeconds`: what the target asked to wait, without a limit of ours. */
export type CaughtFailure = StepFailure & { retryable: boolean; retryAfterSeconds?: number }

/** What a durable step may use; all of it is the same in a replay, and ends when the run is cancelled. */
export interface DurableContext {
  readonly runId: string
  readonly stepId: string
  /** Where it stands in the loops around it, as `17` or `17.3`; empty outside. */
  readonly item: string
  /** The same over all attempts. */
  readonly idempotencyKey: string
  /** Runs the step type's `run` once, as an activity; `number` counts the attempts from 1 on. */
  attempt(number: number, input: unknown, options?: { timeoutSeconds?: number }): Promise<unknown>
  /** A timer that outlives workers. */
  sleep(seconds: number): Promise<void>
  /** ms since 1970. */
  now(): number
  /** From 0 to 1. */
  random(): number
  isCancellation(error: unknown): boolean
  /** Why it failed, from whatever was caught. */
  failureOf(error: unknown): CaughtFailure
  /** Ends the step with this failure. */
  fail(failure: StepFailure): never
  loop: LoopTools
  /** Runs another job of the project to its end; answers its output. */
  runJob(
    request: Pick<RunJobRequest, 'job' | 'version' | 'input'>,
  ): Promise<{ run_id: string; output: unknown }>
  /** Calls another project's interface. */
  callProject(request: CallRequest): Promise<CallAnswer>
}

export interface LoopTools {
  steps: readonly PlannedStep[]
  /** Runs the loop's steps for one item; answers the last one's result. */
  runItem(index: number, variables: Readonly<Record<string, unknown>>): Promise<unknown>
  /** The value itself, or the artefact that it became where it is larger than an item's output may be. */
  keep(value: unknown, index: number): Promise<unknown>
  /** True where more steps should run in a workflow of their own, whose history is empty. */
  isHistoryLong(): boolean
  /** True where the run holds all that it may: it must end. */
  isExhausted(): boolean
  /** Runs as many of the items as one workflow's history holds; answers the outcomes of those, in order. */
  runBatch(batch: LoopBatch): Promise<ItemOutcome[]>
  /** Counts what goes into the run's limit. */
  spend(value: unknown): void
}

export interface LoopOptions {
  as: string
  concurrency: number
  stopOnError: boolean
}

export interface LoopBatch {
  options: LoopOptions
  firstIndex: number
  items: readonly unknown[]
}

export type ItemOutcome = { status: 'succeeded'; output: unknown } | { status: 'failed'; error: StepFailure }
