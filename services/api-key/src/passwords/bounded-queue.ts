import { AppError } from '@opsconductor/errors'

export interface BoundedQueue {
  /** Runs `work` when its turn comes; throws `service_unavailable` at once where the queue is full. */
  run<T>(work: () => Promise<T>): Promise<T>
}

export function createBoundedQueue(limits: { runningMax: number; waitingMax: number }): BoundedQueue {
  const waiting: (() => void)[] = []
  let running = 0

  return {
    async run(work) {
      if (running >= limits.runningMax) {
        if (waiting.length >= limits.waitingMax)
          throw new AppError('service_unavailable', 'Too many sign-ins at once.', { retryAfterSeconds: 1 })
        // The one that ends hands its place over, so `running` does not change.
        await new Promise<void>((resolve) => waiting.push(resolve))
      } else running++
      try {
        return await work()
      } finally {
        const next = waiting.shift()
        if (next === undefined) running--
        else next()
      }
    },
  }
}
