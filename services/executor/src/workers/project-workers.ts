import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '@opsconductor/errors'
import type { Worker } from '@temporalio/worker'
import type { ExecutorEvents } from '../events.ts'

export interface ProjectWorkersOptions {
  factory: {
    create(projectId: string): Promise<Pick<Worker, 'run' | 'shutdown' | 'getState'>>
    /** Once no worker runs any more. */
    close(): Promise<void>
  }
  events: Pick<ExecutorEvents, 'workerStarted' | 'workerLost' | 'workerRested'>
  now?: () => number
}

export interface ProjectWorkers {
  /** Keeps a worker running for the project; resolves when it polls, rejects where that took too long. Counts as use. */
  serve(projectId: string): Promise<void>
  serves(projectId: string): boolean
  /** Whose worker has not been asked for within so many milliseconds. */
  unused(idleMs: number): string[]
  /** Stops the worker when its tasks are done, unless it was asked for within so many milliseconds. */
  rest(projectId: string, idleMs: number): void
  stop(): Promise<void>
}

const retryMs = { first: 200, most: 5_000 }
const serveMsMax = 15_000
interface Served {
  worker: Pick<Worker, 'run' | 'shutdown' | 'getState'> | undefined
  started: PromiseWithResolvers<void>
  usedAt: number
  /** Told to stop for want of use: whoever asks from now on waits for another. */
  rested: boolean
  loop: Promise<void>
}

/**
 * One worker per project namespace that is in use. A worker that dies is started again; one that is asked for while it
 * stops is followed by another, so that a project never has two.
 */
export function createProjectWorkers({
  factory,
  events,
  now = Date.now,
}: ProjectWorkersOptions): ProjectWorkers {
  const projects = new Map<string, Served>()
  const resting = new Map<string, Promise<void>>()
  const stopping = new AbortController()
  const serving = () => [...projects.values()].filter(({ worker }) => worker !== undefined).length

  function begin(projectId: string): Served {
    const served: Served = {
      worker: undefined,
      started: Promise.withResolvers(),
      usedAt: now(),
      rested: false,
      loop: Promise.resolve(),
    }
    projects.set(projectId, served)
    served.loop = keepRunning(projectId, served)
    return served
  }

  async function keepRunning(projectId: string, served: Served): Promise<void> {
    await resting.get(projectId)
    const isOver = () => stopping.signal.aborted || served.rested
    for (let wait = retryMs.first; !isOver(); wait = Math.min(wait * 2, retryMs.most)) {
      try {
        const worker = await factory.create(projectId)
        const running = worker.run()
        // Only a worker that has run lets go of the connection.
        if (isOver()) worker.shutdown()
        else {
          served.worker = worker
          served.started.resolve()
          events.workerStarted(projectId, serving())
          wait = retryMs.first
        }
        await running
      } catch (error) {
        loseWorker(served)
        events.workerLost(projectId, serving(), error)
      }
      loseWorker(served)
      if (served.rested) return
      await delay(wait, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }

  return {
    async serve(projectId) {
      if (stopping.signal.aborted) throw unserved()
      const served = projects.get(projectId) ?? begin(projectId)
      served.usedAt = now()
      const late = new AbortController()
      await Promise.race([
        served.started.promise,
        delay(serveMsMax, undefined, { signal: AbortSignal.any([late.signal, stopping.signal]) })
          .catch(() => {})
          .then(() => Promise.reject(unserved())),
      ]).finally(() => late.abort())
    },
    serves: (projectId) => projects.get(projectId)?.worker !== undefined,
    unused: (idleMs) =>
      [...projects].filter(([, served]) => isUnused(served, now() - idleMs)).map(([projectId]) => projectId),
    rest(projectId, idleMs) {
      const served = projects.get(projectId)
      if (served === undefined || !isUnused(served, now() - idleMs)) return
      const { worker } = served
      served.rested = true
      projects.delete(projectId)
      const ended = served.loop.finally(() => {
        if (resting.get(projectId) === ended) resting.delete(projectId)
      })
      resting.set(projectId, ended)
      if (worker === undefined) return
      events.workerRested(projectId, serving())
      worker.shutdown()
    },
    async stop() {
      stopping.abort()
      for (const { worker } of projects.values()) if (worker?.getState() === 'RUNNING') worker.shutdown()
      await Promise.all([...[...projects.values()].map(({ loop }) => loop), ...resting.values()])
      await factory.close()
    },
  }
}

/** Also one that cannot be made: it is tried no longer than somebody asks. */
const isUnused = ({ worker, usedAt }: Served, before: number) =>
  (worker === undefined || worker.getState() === 'RUNNING') && usedAt <= before

function loseWorker(served: Served): void {
  if (served.worker === undefined) return
  served.worker = undefined
  served.started = Promise.withResolvers()
}

const unserved = () =>
  new AppError('service_unavailable', 'No worker serves the project yet.', { retryAfterSeconds: 2 })
