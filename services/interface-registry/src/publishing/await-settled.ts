import { setTimeout as delay } from 'node:timers/promises'
import type { Deps } from '../deps.ts'
import { selectFace } from './store.ts'

const pollMs = { first: 15, most: 250 }

/**
 * Waits until the gateway has the face as it shall be (or has forgotten it), an attempt has failed, or the bound is
 * reached. The row says which: the publisher that settles it may be in another process.
 */
export async function awaitSettled(
  { pool, config }: Pick<Deps, 'pool' | 'config'>,
  { id }: { id: string },
): Promise<void> {
  const until = performance.now() + config.PUBLISH_WAIT_SECONDS * 1000
  for (let pauseMs = pollMs.first; performance.now() < until; pauseMs = Math.min(pauseMs * 2, pollMs.most)) {
    const face = await selectFace(pool, id)
    if (face === undefined || ['published', 'withdrawn'].includes(face.state) || face.lastError !== null)
      return
    await delay(pauseMs)
  }
}
