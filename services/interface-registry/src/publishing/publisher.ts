import type { Leadership } from '../leadership/leadership.ts'
import { createReconciler } from '../leadership/reconciler.ts'
import { findUnsettled } from './reconcile.ts'
import { type PublishingContext, settleFace } from './settle.ts'
import { selectFaceIdByHash } from './store.ts'

export interface Publisher {
  /** The public interface with this hash was changed. */
  changed(hash: string): void
  /** Compare everything soon: something may have been missed. */
  reconcileSoon(): void
  stop(): Promise<void>
}

/** Brings every change of a public interface to Kong. */
export function createPublisher(
  options: Omit<PublishingContext, 'signal'> & { leadership: Leadership },
): Publisher {
  const { config, pool, events, leadership } = options
  const reconciler = createReconciler({
    leadership,
    intervalSeconds: config.RECONCILE_SECONDS,
    findUnsettled: () => findUnsettled(options),
    settle: (id, signal) => settleFace({ ...options, signal }, id),
    onFailure: events.reconcileFailed,
  })

  async function settleByHash(hash: string): Promise<void> {
    const id = await selectFaceIdByHash(pool, hash)
    if (id === undefined) reconciler.soon()
    else reconciler.changed(id)
  }

  return {
    changed(hash) {
      if (leadership.leads()) settleByHash(hash).catch(() => reconciler.soon())
    },
    reconcileSoon: () => reconciler.soon(),
    stop: () => reconciler.stop(),
  }
}
