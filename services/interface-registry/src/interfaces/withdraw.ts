import type { Deps } from '../deps.ts'
import { awaitSettled } from '../publishing/await-settled.ts'
import { markWithdrawing } from './store.ts'

/** Refuses calls at once, and waits (within bounds) until the gateway has forgotten the public faces. */
export async function withdrawAll(deps: Deps, where: { id: string } | { workflowId: string }): Promise<void> {
  const faces = await markWithdrawing(deps.prisma, where)
  await Promise.all(faces.map((face) => awaitSettled(deps, face)))
}
