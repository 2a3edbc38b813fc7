import { type JobDefinition, type Step, stepsOfJob } from '@opsconductor/contracts'
import { AppError, type FieldError, notFoundAsUndefined } from '@opsconductor/errors'
import { applyConnector } from '../connectors/apply-connector.ts'
import type { FindConnector, UsableConnector } from '../connectors/usable-connector.ts'
import type { AnyStepType } from '../step-types/define-step-type.ts'

/** The connectors that the steps of a job name; one that is not the project's to use is not among them. */
export type NamedConnectors = ReadonlyMap<string, UsableConnector>

export async function findNamedConnectors(
  find: FindConnector,
  projectId: string,
  definition: Pick<JobDefinition, 'steps' | 'finally'>,
): Promise<NamedConnectors> {
  const named = new Set(stepsOfJob(definition).flatMap(({ step: { connector } }) => connector ?? []))
  const found = new Map<string, UsableConnector>()
  for (const reference of named) {
    const connector = await find(projectId, reference).catch(notFoundAsUndefined)
    if (connector !== undefined) found.set(reference, connector)
  }
  return found
}

/**
 * What the step type is given: the input, with what the step's connector says put into it where it names one. `input` is
 * undefined where its connector does not give any; `faults` say why by what of the step is wrong, as `connector`.
 */
export function connectedInput(
  stepType: AnyStepType,
  step: Step,
  input: unknown,
  connectors: NamedConnectors,
): { input: unknown; faults: FieldError[] } {
  if (step.connector === undefined) return { input, faults: [] }
  const besides: FieldError[] =
    step.credential === undefined
      ? []
      : [{ path: 'credential', message: 'must not be given beside connector, which has its own' }]
  const connector = connectors.get(step.connector)
  if (connector === undefined) {
    const message = 'is not an active connector of this project, nor one that is shared with it'
    return { input: undefined, faults: [...besides, { path: 'connector', message }] }
  }
  if (stepType.credentialRequired && !connector.has_credential)
    besides.push({ path: 'connector', message: `has no credential, and ${step.type} needs one` })
  try {
    return { input: applyConnector(connector, { ...step, input }), faults: besides }
  } catch (error) {
    if (!(error instanceof AppError) || error.errors === undefined) throw error
    return { input: undefined, faults: [...besides, ...error.errors] }
  }
}
