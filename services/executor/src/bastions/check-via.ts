import type { Step } from '@opsconductor/contracts'
import type { FieldError } from '@opsconductor/errors'
import { stepTypes } from '../step-types/index.ts'
import type { BastionStore } from './store.ts'

/** What is wrong with the bastions that steps name, by the path of each. */
export async function checkVia(
  bastions: Pick<BastionStore, 'findNamed'>,
  projectId: string,
  steps: readonly { step: Step; path: string }[],
): Promise<FieldError[]> {
  const names = new Set(steps.flatMap(({ step }) => step.via ?? []))
  if (names.size === 0) return []
  const known = new Set((await bastions.findNamed(projectId, [...names])).map(({ name }) => name))
  return steps.flatMap(({ step, path }) => faultsOf(step, `${path}.via`, known))
}

function faultsOf({ type, via = [] }: Step, at: string, known: ReadonlySet<string>): FieldError[] {
  const stepType = stepTypes.get(type)
  if (via.length > 0 && stepType !== undefined && !stepType.takesVia)
    return [{ path: at, message: `is not used by ${type}, which does not go through bastions` }]
  return via.flatMap((name, index) => {
    const path = `${at}[${index}]`
    if (via.indexOf(name) < index)
      return [{ path, message: 'is named twice: the way would lead in a circle' }]
    return known.has(name) ? [] : [{ path, message: 'is not a bastion of this project' }]
  })
}
