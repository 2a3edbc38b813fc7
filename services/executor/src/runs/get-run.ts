import { AppError } from '@opsconductor/errors'
import type { ExecutorDeps } from '../deps.ts'
import type { Run, StepAttempt } from './store.ts'

export const unknownRun = () => new AppError('not_found', 'There is no such run.')

/** A run with every attempt of its steps. */
export async function getRun(
  deps: Pick<ExecutorDeps, 'runs'>,
  projectId: string,
  id: string,
): Promise<{ run: Run; steps: StepAttempt[] }> {
  const run = await deps.runs.find(projectId, id)
  if (run === undefined) throw unknownRun()
  return { run, steps: await deps.runs.stepsOf(id) }
}
