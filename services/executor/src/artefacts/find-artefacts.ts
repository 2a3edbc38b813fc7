import type { ArtefactParams, PageQuery } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import type { ExecutorDeps } from '../deps.ts'
import { unknownRun } from '../runs/get-run.ts'
import type { Artefact } from './store.ts'

/** One page of a run's artefacts, the oldest first; one more than asked for says that there is a next page. */
export async function listArtefacts(
  { runs, artefacts }: Pick<ExecutorDeps, 'runs' | 'artefacts'>,
  projectId: string,
  runId: string,
  page: PageQuery,
): Promise<Artefact[]> {
  if ((await runs.find(projectId, runId)) === undefined) throw unknownRun()
  return await artefacts.list(runId, page)
}

export async function findArtefact(
  { artefacts }: Pick<ExecutorDeps, 'artefacts'>,
  projectId: string,
  { id, artefactId }: z.infer<typeof ArtefactParams>,
): Promise<Artefact> {
  const artefact = await artefacts.find(projectId, artefactId)
  if (artefact === undefined || artefact.run_id !== id.toLowerCase())
    throw new AppError('not_found', 'The run has no such artefact.')
  return artefact
}
