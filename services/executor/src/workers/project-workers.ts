import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '@opsconductor/errors'
import type { Worker } from '@temporalio/worker'
import type { ExecutorEvents } from '../events.ts'
import { createWorkerFactory, type WorkerFactoryOptions } from './worker-factory.ts'

export interface ProjectWorkersOptions extends WorkerFactoryOptions {
  events: Pick<ExecutorEvents, 'workerStarted' | 'workerLost'>
}

export interface ProjectWorkers {
  /** Keeps a worker running for the project; resolves when it polls, rejects where that took too long. */
  serve(projectId: string): Promise<void>
  serves(projectId: string): boolean
  stop(): Promise<void>
}

const retryMs = { first: 200, most: 5_000 }
const serveMsMax = 15_000
interface Served {
  worker: Worker | undefined
  started: PromiseWithResolvers<void>
  loop: Promise<void>
}

/** One worker per project namespace, over one connection and one bundle. A worker that dies is started again. */
export function createProjectWorkers(options: ProjectWorkersOptions): ProjectWorkers {
  const projects = new Map<string, Served>()
  const stopping = new AbortController()
  const factory = createWorkerFactory(options)
  const serving = () => [...projects.values()].filter(({ worker }) => worker !== undefined).length

  async function keepRunning(projectId: string, served: Served): Promise<void> {
    for (let wait = retryMs.first; !stopping.signal.aborted; wait = Math.min(wait * 2, retryMs.most)) {
      try {
        const worker = await factory.create(projectId)
        const running = worker.run()
        // Only a worker that has run lets go of the connection.
        if (stopping.signal.aborted) worker.shutdown()
        else {
          served.worker = worker
          served.started.resolve()
          options.events.workerStarted(projectId, serving())
          wait = retryMs.first
        }
        await running
      } catch (error) {
        served.worker = undefined
        options.events.workerLost(projectId, serving(), error)
      }
      served.worker = undefined
      await delay(wait, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }

  return {
    async serve(projectId) {
      if (stopping.signal.aborted) throw unserved()
      let served = projects.get(projectId)
      if (served === undefined) {
        served = { worker: undefined, started: Promise.withResolvers(), loop: Promise.resolve() }
        projects.set(projectId, served)
        served.loop = keepRunning(projectId, served)
      }
      const late = new AbortController()
      await Promise.race([
        served.started.promise,
        delay(serveMsMax, undefined, { signal: AbortSignal.any([late.signal, stopping.signal]) })
          .catch(() => {})
          .then(() => Promise.reject(unserved())),
      ]).finally(() => late.abort())
    },
    serves: (projectId) => projects.get(projectId)?.worker !== undefined,
    async stop() {
      stopping.abort()
      for (const { worker } of projects.values()) if (worker?.getState() === 'RUNNING') worker.shutdown()
      await Promise.all([...projects.values()].map(({ loop }) => loop))
      await factory.close()
    },
  }
}

const unserved = () =>
  new AppError('service_unavailable', 'No worker serves the project yet.', { retryAfterSeconds: 2 })
