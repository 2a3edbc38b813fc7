import {
  CreateJob,
  finallyStepsMax,
  type JobDefinition,
  type JobValidation,
  JsonSchema,
  jobStepsMax,
  Step,
} from '@opsconductor/contracts'
import type { FieldError } from '@opsconductor/errors'
import { fieldErrors } from '@opsconductor/service-kit'
import { type CheckJobDeps, checkJob } from './check-job.ts'

/** A person mends no more at once. */
const errorsMax = 200

/**
 * Every mistake that saving the body as a job would refuse, at most 200. What has the wrong shape is told, and the rest is
 * checked all the same.
 */
export async function validateJob(
  deps: CheckJobDeps,
  projectId: string,
  body: unknown,
): Promise<JobValidation> {
  const parsed = CreateJob.safeParse(body)
  const errors = parsed.success
    ? await checkJob(deps, projectId, parsed.data)
    : [
        ...fieldErrors(parsed.error, 'body', errorsMax),
        ...(await faultsOfTheRest(deps, projectId, body, parsed.error.issues)),
      ]
  return { valid: errors.length === 0, errors: errors.slice(0, errorsMax) }
}

async function faultsOfTheRest(
  deps: CheckJobDeps,
  projectId: string,
  body: unknown,
  issues: readonly { path: PropertyKey[] }[],
): Promise<FieldError[]> {
  const misshapen = new Set(
    issues.map(({ path: [field, index] }) =>
      typeof index === 'number' ? `body.${String(field)}[${index}]` : `body.${String(field)}`,
    ),
  )
  const definition = readable(body)
  const found = definition === undefined ? [] : await checkJob(deps, projectId, definition)
  return found.filter(({ path }) => !misshapen.has(/^body\.\w+(?:\[\d+\])?/.exec(path)?.[0] ?? ''))
}

/** What can be read of a body that is no job; a step that cannot be read keeps its id, which others may name. */
function readable(body: unknown): JobDefinition | undefined {
  const { steps, finally: last, input_schema, output } = (body ?? {}) as Record<string, unknown>
  if (!Array.isArray(steps)) return undefined
  return {
    input_schema: JsonSchema.safeParse(input_schema).data ?? {},
    steps: readableSteps(steps, jobStepsMax),
    ...(Array.isArray(last) ? { finally: readableSteps(last, finallyStepsMax) } : {}),
    ...(output === undefined ? {} : { output: output as NonNullable<JobDefinition['output']> }),
  }
}

const readableSteps = (steps: readonly unknown[], most: number): Step[] =>
  steps.slice(0, most).map((step) => Step.safeParse(step).data ?? standIn(step))

function standIn(step: unknown): Step {
  const { id, type } = (step ?? {}) as Record<string, unknown>
  return { id: typeof id === 'string' ? id : '', type: typeof type === 'string' ? type : '', input: {} }
}
