import { AppError } from '@opsconductor/errors'
import { createRedactor } from '@opsconductor/redact'
import { writeArtefact } from '../artefacts/write-artefact.ts'
import { stepTypes } from '../step-types/index.ts'
import { type DurableEnd, idempotencyKeyOf, type StepPlace } from './activity-contract.ts'
import { parseInput } from './perform-step.ts'
import type { RunJobDeps } from './run-job-deps.ts'
import { toStepResult } from './step-result.ts'

/** Parses a durable step's rendered input, and writes its row where none of its attempts does. */
export async function beginStep(
  store: RunJobDeps['store'],
  place: StepPlace,
  input: unknown,
): Promise<Record<string, unknown>> {
  const stepType = stepTypes.get(place.type)
  if (stepType === undefined) throw new AppError('validation_failed', `There is no step type ${place.type}.`)
  if (stepType.durable === 'whole') await store.startStep({ ...rowOf(place), attempt: 1 })
  return parseInput(stepType, input)
}

/** Writes the end of a step that is no activity; answers the result, or what it became where it was too large. */
export async function endStep(
  deps: Pick<RunJobDeps, 'store' | 'artefacts' | 'events'>,
  projectId: string,
  place: StepPlace,
  end: DurableEnd,
): Promise<unknown> {
  const output = end.status === 'succeeded' ? await kept(deps, projectId, place, end.output) : null
  // Attempts have written their own rows.
  if (stepTypes.get(place.type)?.durable === 'attempts' && end.status !== 'skipped') return output
  const error = end.status === 'failed' ? { ...end.error, step_id: place.stepId } : null
  const seconds = await deps.store.endStep({ ...rowOf(place), status: end.status, output, error })
  deps.events.stepEnded(place, 1, end.status, seconds)
  return output
}

/** The value as an artefact of the step. */
export const keepValue = (
  deps: Pick<RunJobDeps, 'artefacts'>,
  projectId: string,
  place: StepPlace,
  value: unknown,
): Promise<unknown> => kept(deps, projectId, place, value, 0)

/** The value itself, or the artefact that it became. What a workflow holds is free of secrets already. */
function kept(
  { artefacts }: Pick<RunJobDeps, 'artefacts'>,
  projectId: string,
  place: StepPlace,
  value: unknown,
  bytesMax?: number,
): Promise<unknown> {
  const owner = { projectId, runId: place.runId, stepId: place.stepId, item: place.item ?? '', attempt: 1 }
  const signal = new AbortController().signal
  return toStepResult(
    value,
    place.stepId,
    (artefact) => writeArtefact(artefacts, owner, artefact, createRedactor([]).stream(), signal),
    bytesMax,
  )
}

const rowOf = (place: StepPlace) => {
  const item = place.item ?? ''
  const { runId, stepId, type, position } = place
  return {
    ...{ runId, stepId, type, position, item },
    idempotencyKey: idempotencyKeyOf(place),
  }
}
