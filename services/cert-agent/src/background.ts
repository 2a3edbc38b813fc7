import { createChores, type Tracing } from '@opsconductor/service-kit'
import { challengeChores } from './challenges/chores.ts'
import { anyOperation, type Deps } from './deps.ts'
import { notificationChores } from './notifications/chores.ts'
import { operationChores } from './operations/chores.ts'
import { renewalChores } from './renewal/chores.ts'
import { watchingChores } from './watching/chores.ts'
import { createWorkerOnDemand, type LoadWorker } from './worker/worker-on-demand.ts'

const workerChore = 'worker of operations'
/** Where nothing was heard of an operation, as while the database was away. */
const workerEveryMs = 5_000

/** What goes on without being asked: the worker of operations, and the chores. */
export function createBackground(deps: Deps, tracing?: Tracing, loadWorker?: LoadWorker) {
  const worker = createWorkerOnDemand(deps, tracing, loadWorker)
  const startWorker = () =>
    void worker.startIfNeeded().catch((error: unknown) => deps.events.choreFailed(workerChore, error))
  const stopping = new AbortController()
  const chores = createChores(
    [
      { name: workerChore, everyMs: workerEveryMs, run: worker.startIfNeeded },
      ...challengeChores(deps, stopping.signal),
      ...operationChores(deps),
      ...renewalChores(deps, stopping.signal),
      ...watchingChores(deps, stopping.signal),
      ...notificationChores(deps, stopping.signal),
    ],
    deps.events.choreFailed,
  )
  return {
    /** Once the listeners are open. */
    start() {
      deps.watchers.set(anyOperation, new Set([startWorker]))
      chores.start()
    },
    /** Ends operations under way; another process, or the next start, goes on with them. */
    drain: () => worker.stop(),
    async stop() {
      deps.watchers.delete(anyOperation)
      stopping.abort()
      await chores.stop()
      await worker.stop()
    },
  }
}
