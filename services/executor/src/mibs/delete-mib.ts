import { AppError } from '@opsconductor/errors'
import type { ExecutorDeps } from '../deps.ts'
import { mibNotFound } from './mib-not-found.ts'
import { parseModules } from './project-mibs.ts'

/** Throws `not_found`, and `conflict` where another module of the project imports from it. */
export async function deleteMib(
  { mibs, events }: Pick<ExecutorDeps, 'mibs' | 'events'>,
  projectId: string,
  by: string,
  name: string,
): Promise<void> {
  const modules = await parseModules(await mibs.texts(projectId))
  const dependent = modules.find((module) => module.name !== name && module.importsFrom.has(name))
  if (dependent !== undefined) throw new AppError('conflict', `${dependent.name} imports from it.`)
  if (!(await mibs.delete(projectId, name))) throw mibNotFound()
  events.mibsChanged({ projectId, module: name, change: 'deleted', by })
}
