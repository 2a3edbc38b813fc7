import type { Caller } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { assertCallersProject } from './project-in-path.ts'
import type { Project } from './store.ts'

export async function getProject(
  { projects }: Pick<Deps, 'projects'>,
  caller: Caller,
  id: string,
): Promise<Project> {
  const project = await projects.find(assertCallersProject(caller, id))
  if (project === null) throw new AppError('not_found', 'There is no such project.')
  return project
}
