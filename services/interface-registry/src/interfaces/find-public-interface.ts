import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { selectProjectOfFace } from './store.ts'

/** The project of a public interface, for whoever binds an API key to it. */
export async function findPublicInterface(
  { prisma }: Deps,
  id: string,
): Promise<{ id: string; project_id: string }> {
  const projectId = await selectProjectOfFace(prisma, id)
  if (projectId === undefined) throw new AppError('not_found', 'There is no such public interface.')
  return { id, project_id: projectId }
}
