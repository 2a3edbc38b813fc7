import type { ExecutorDeps } from '../deps.ts'
import { unknownBastion } from './save-bastion.ts'

/** Steps that name it fail from now on, until there is another of its name. */
export async function deleteBastion(
  { bastions, events }: Pick<ExecutorDeps, 'bastions' | 'events'>,
  { projectId, id }: { projectId: string; id: string },
  by: string,
): Promise<void> {
  if (!(await bastions.remove(projectId, id))) throw unknownBastion()
  events.bastionDeleted({ projectId, bastionId: id, by })
}
