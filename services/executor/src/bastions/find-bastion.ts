import type { ExecutorDeps } from '../deps.ts'
import { unknownBastion } from './save-bastion.ts'
import type { BastionRecord } from './store.ts'

export async function findBastion(
  { bastions }: Pick<ExecutorDeps, 'bastions'>,
  projectId: string,
  id: string,
): Promise<BastionRecord> {
  const bastion = await bastions.find(projectId, id)
  if (bastion === null) throw unknownBastion()
  return bastion
}
