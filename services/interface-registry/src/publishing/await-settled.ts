import type { Deps } from '../deps.ts'
import { awaitUntil } from '../leadership/await-until.ts'
import { selectFace } from './store.ts'

/**
 * Waits until the gateway has the face as it shall be (or has forgotten it), an attempt has failed, or the bound is
 * reached. The row says which.
 */
export async function awaitSettled(
  { pool, config }: Pick<Deps, 'pool' | 'config'>,
  { id }: { id: string },
): Promise<void> {
  await awaitUntil(async () => {
    const face = await selectFace(pool, id)
    return face === undefined || ['published', 'withdrawn'].includes(face.state) || face.lastError !== null
  }, config.PUBLISH_WAIT_SECONDS)
}
