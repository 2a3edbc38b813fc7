import { z } from 'zod'
import { ConnectorReference } from './connectors.ts'
import { DisplayName, Json, JsonSchema } from './fields.ts'
import { CredentialReference } from './secrets-broker.ts'

/** Steps of a job at most, those inside of loops and the final ones counted. */
export const jobStepsMax = 500
/** Items of one `for_each` at most. */
export const loopItemsMax = 10_000
export const finallyStepsMax = 20

/** A step's id is how templates name its result: `{{ steps.fetch.body }}`. */
export const StepId = z
  .string()
  .max(64)
  .regex(/^[a-z][a-z0-9_]*$/, 'must start with a letter and hold a-z, 0-9 and _')

/** One comparison: `value`, usually a template, beside exactly one of the others. */
export const Comparison = z
  .object({
    value: Json,
    /** The same JSON value; a number is no string. */
    equals: Json.optional(),
    not_equals: Json.optional(),
    in: z.array(Json).max(1_000).optional(),
    not_in: z.array(Json).max(1_000).optional(),
    /** Numbers with numbers, strings with strings; anything else is an error. */
    greater_than: z.union([z.number(), z.string()]).optional(),
    at_least: z.union([z.number(), z.string()]).optional(),
    less_than: z.union([z.number(), z.string()]).optional(),
    at_most: z.union([z.number(), z.string()]).optional(),
    /** A part of a string, or an item of a list. */
    contains: Json.optional(),
    /** Whether the one variable that `value` is exists and is not null; the only one that may name what is not there. */
    exists: z.boolean().optional(),
  })
  .strict()
  .refine(
    ({ value: _, ...operators }) => Object.values(operators).filter((one) => one !== undefined).length === 1,
    'must compare the value in exactly one way',
  )
export type Comparison = z.infer<typeof Comparison>

/** A template that renders to true or false, or a comparison. */
const SimpleCondition = z.union([z.boolean(), z.string().max(1_000), Comparison])
export type SimpleCondition = z.infer<typeof SimpleCondition>

export const Condition = z.union([
  SimpleCondition,
  z.object({ all: z.array(SimpleCondition).min(1).max(50) }).strict(),
  z.object({ any: z.array(SimpleCondition).min(1).max(50) }).strict(),
])
export type Condition = z.infer<typeof Condition>

/** When a failed step is tried again. The wait grows by `factor` from `initial_seconds` up to `max_seconds`. */
export const Retry = z
  .object({
    max_attempts: z.number().int().min(1).max(50),
    initial_seconds: z.number().min(0.1).max(3_600).default(0.5),
    factor: z.number().min(1).max(10).default(2),
    max_seconds: z.number().min(0.1).max(86_400).default(30),
    /** Waits between half of the time and all of it, so that many that failed together do not come back together. */
    jitter: z.boolean().default(true),
  })
  .strict()

const stepFields = {
  id: StepId,
  type: z.string().max(50),
  /** A credential of the same project, by id or name. */
  credential: CredentialReference.optional(),
  /** A credential of type x509 that is shown to targets that ask for a client certificate; beside `credential`. */
  client_certificate: CredentialReference.optional(),
  /** The external system, in place of an address in the input and a credential of the step. */
  connector: ConnectorReference.optional(),
  /** The bastions of the project, by name, that the target is reached through, from the nearest on. */
  via: z.array(DisplayName).min(1).max(8).optional(),
  /** The step type's input; strings in it may hold `{{ }}` templates. */
  input: z.record(z.string(), Json),
  /** The step is skipped where this does not hold. */
  if: Condition.optional(),
  /** At most an hour, where the step is no loop and no other run: of each attempt. */
  timeout_seconds: z.number().int().min(1).max(604_800).optional(),
  /** Short for `retry: { max_attempts }`. */
  max_attempts: z.number().int().min(1).max(10).optional(),
  retry: Retry.optional(),
  /** The run goes on after a failure of the step; its result is then `{ error: { code, message } }`. */
  continue_on_error: z.boolean().optional(),
}

const InnermostStep = z.object(stepFields).strict()
const LoopedStep = z
  .object({ ...stepFields, steps: z.array(InnermostStep).min(1).max(jobStepsMax).optional() })
  .strict()
export const Step = z
  .object({
    ...stepFields,
    /** What a loop runs for each of its items. Loops nest two deep. */
    steps: z.array(LoopedStep).min(1).max(jobStepsMax).optional(),
  })
  .strict()
export type Step = z.infer<typeof InnermostStep> & { steps?: Step[] | undefined }

export const JobDefinition = z
  .object({
    input_schema: JsonSchema.default({ type: 'object' }),
    steps: z.array(Step).min(1).max(jobStepsMax),
    /** Run at the end of every run, whether it succeeded, failed or was cancelled. */
    finally: z.array(Step).min(1).max(finallyStepsMax).optional(),
    /** Template of the run's output; without it the output is the last step's result. */
    output: Json.optional(),
  })
  .strict()
export type JobDefinition = z.infer<typeof JobDefinition>

/** All steps of a job with the paths that errors name them by: those of loops behind their loop, the final ones last. */
export function stepsOfJob({
  steps,
  finally: last = [],
}: Pick<JobDefinition, 'steps' | 'finally'>): { step: Step; path: string }[] {
  return [...stepsWithin(steps, 'steps'), ...stepsWithin(last, 'finally')]
}

const stepsWithin = (steps: readonly Step[], at: string): { step: Step; path: string }[] =>
  steps.flatMap((step, index) => {
    const path = `${at}[${index}]`
    return [{ step, path }, ...stepsWithin(step.steps ?? [], `${path}.steps`)]
  })
