import { type DryRun, type DryRunJob, type JobDefinition, stepsOfJob } from '@opsconductor/contracts'
import type { FieldError } from '@opsconductor/errors'
import { compileSchema, schemaFault } from '@opsconductor/json-schema'
import type { ExecutorDeps } from '../deps.ts'
import { findNamedConnectors } from './check-connectors.ts'
import { checkDefinition } from './check-definition.ts'
import { dryRunSteps } from './dry-run-steps.ts'
import { getJob } from './get-job.ts'

const errorsMax = 200

/** What each step would be given, without running any: no target is reached and no credential is lent. */
export async function dryRunJob(
  deps: Pick<ExecutorDeps, 'jobs' | 'connectorOf'>,
  projectId: string,
  request: DryRunJob,
): Promise<DryRun> {
  const { definition, at, run } = await findDefinition(deps, projectId, request)
  const connectors = await findNamedConnectors(deps.connectorOf, projectId, definition)
  const errors = [
    ...checkDefinition(definition, connectors).map((error) => ({
      ...error,
      path: error.path.replace(/^body/, at),
    })),
    ...inputFaults(definition, request.input),
    ...surplusResults(definition, request.step_results),
  ]
  const told = new Set(errors.map(({ path }) => path))
  const { steps, output, faults } = dryRunSteps(definition, { ...request, run, at, connectors }, told)
  const all = [...errors, ...faults]
  return { ok: all.length === 0, errors: all.slice(0, errorsMax), steps, output }
}

/** The definition, how paths name it, and what of a run's variables is known already. */
async function findDefinition(
  deps: Pick<ExecutorDeps, 'jobs'>,
  projectId: string,
  { definition, job_id, version }: DryRunJob,
) {
  if (definition !== undefined) return { definition, at: 'body.definition', run: {} }
  const job = await getJob(deps, projectId, job_id as string, version)
  return { definition: job.definition, at: 'job', run: { job_id: job.id, job_version: job.version } }
}

/** A schema that cannot be used is the definition's fault, not the input's. */
function inputFaults({ input_schema }: JobDefinition, input: unknown): FieldError[] {
  if (schemaFault(input_schema) !== undefined) return []
  const error = compileSchema(input_schema)(input, 'body.input')
  return error === undefined ? [] : [error]
}

function surplusResults(definition: JobDefinition, results: DryRunJob['step_results']): FieldError[] {
  const ids = new Set(stepsOfJob(definition).map(({ step }) => step.id))
  return Object.keys(results)
    .filter((id) => !ids.has(id))
    .map((id) => ({ path: `body.step_results.${id}`, message: 'is not the id of a step' }))
}
