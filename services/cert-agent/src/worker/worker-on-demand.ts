import type { Tracing } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import type { createOperationWorker, OperationWorker } from './operation-worker.ts'

/** Temporal's worker is a third of what the process keeps, so it is loaded when there is something for it to do. */
export type LoadWorker = () => Promise<{ createOperationWorker: typeof createOperationWorker }>

const loadFromFile: LoadWorker = () =>
  import('./operation-worker.ts').catch((error: unknown) => {
    // Node never loads again what it could not load once: only another process can do better.
    setImmediate(() => {
      throw error
    })
    throw error
  })

export interface WorkerOnDemand {
  /** Starts the worker, once, where an operation is under way, whoever asked for it. */
  startIfNeeded(): Promise<void>
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
}

export function createWorkerOnDemand(
  deps: Deps,
  tracing: Tracing | undefined,
  load: LoadWorker = loadFromFile,
): WorkerOnDemand {
  let worker: OperationWorker | undefined
  let starting: Promise<void> | undefined
  let isStopped = false

  async function start(): Promise<void> {
    if (!(await deps.operations.isAnyOpen())) return
    const { createOperationWorker } = await load()
    if (isStopped) return
    worker = createOperationWorker(deps, tracing)
    worker.start()
  }

  return {
    async startIfNeeded() {
      if (worker !== undefined || isStopped) return
      starting ??= start().finally(() => {
        starting = undefined
      })
      await starting
    },
    async stop() {
      isStopped = true
      await starting?.catch(() => {})
      await worker?.stop()
    },
  }
}
