import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { AppError } from '@opsconductor/errors'

/** Does work that would hold up other callers in a thread of its own, one after the other. */
export interface ThreadQueue<Given, Result> {
  /** Throws `service_unavailable` where too much waits already, or where the work does not end in time. */
  run(given: Given): Promise<Result>
}

/** The thread's module gets the work as `workerData` and posts its result; both are copied between the threads. */
export function createThreadQueue<Given, Result>(options: {
  module: URL
  waitingMax: number
  timeoutMs: number
}): ThreadQueue<Given, Result> {
  let waiting = 0
  let last: Promise<unknown> = Promise.resolve()
  return {
    async run(given) {
      if (waiting >= options.waitingMax)
        throw unavailable('Too many encrypted keys are being opened; try again.')
      waiting++
      const done = last.then(() => runThread<Result>(options, given))
      last = done.catch(() => {})
      return done.finally(() => waiting--)
    },
  }
}

async function runThread<Result>(
  { module, timeoutMs }: { module: URL; timeoutMs: number },
  workerData: unknown,
): Promise<Result> {
  // Nothing that the thread prints may reach the log: it works on secrets.
  const worker = new Worker(module, { workerData, stdout: true, stderr: true })
  try {
    const [result] = await once(worker, 'message', { signal: AbortSignal.timeout(timeoutMs) })
    return result as Result
  } catch (cause) {
    throw unavailable('The private key could not be opened in time; try again.', cause)
  } finally {
    await worker.terminate()
  }
}

const unavailable = (detail: string, cause?: unknown): AppError =>
  new AppError('service_unavailable', detail, { cause, retryAfterSeconds: 5 })
