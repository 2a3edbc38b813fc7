import type { Caller } from '@opsconductor/auth'
import type { CreateProject } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import type { Project } from './store.ts'

/** Makes a project; the caller becomes its owner. */
export async function createProject(
  { projects, events }: Pick<Deps, 'projects' | 'events'>,
  caller: Caller,
  { name }: z.infer<typeof CreateProject>,
): Promise<Project> {
  const project = await projects.create({ name, ownerId: caller.userId })
  events.projectCreated(project.id, caller)
  return project
}
