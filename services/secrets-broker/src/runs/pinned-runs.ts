import { getPinnedRunEndpoint, type PinnedRun } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { createCachedLookup } from '@opsconductor/events'
import type { InternalClient } from '@opsconductor/service-kit'

export interface PinnedRuns {
  /** The run as it was at most ten seconds ago; undefined where there is none. Throws `service_unavailable`. */
  find(runId: string): Promise<PinnedRun | undefined>
}

/** A pinned version never changes, so this bounds how long a run may borrow after its end. */
const rememberedMs = 10_000
const runsMax = 1_000
/** Less than a borrower waits for its answer. */
const askMsMax = 5_000

/** Asks the executor about a run: once for all steps of a short one, every ten seconds for a long one. */
export function createPinnedRuns({
  internal,
  now = Date.now,
}: {
  internal: Pick<InternalClient, 'call'>
  now?: () => number
}): PinnedRuns {
  // Nothing tells us of a run's end; only time makes an entry old.
  const known = createCachedLookup<PinnedRun>({
    ttlMs: rememberedMs,
    entriesMax: runsMax,
    listener: { connected: () => true },
    now,
  })
  const ask = (id: string) => internal.call(getPinnedRunEndpoint, {}, { params: { id }, timeoutMs: askMsMax })
  return {
    async find(runId) {
      const id = runId.toLowerCase()
      try {
        return await known.get(id, () => ask(id))
      } catch (error) {
        if (error instanceof AppError && error.code === 'not_found') return undefined
        throw new AppError('service_unavailable', 'The executor could not be asked about the run.', {
          cause: error,
          retryAfterSeconds: 2,
        })
      }
    },
  }
}
