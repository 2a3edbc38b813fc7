import type { Duplex } from 'node:stream'
import { AppError } from '@opsconductor/errors'
import type { Reach } from '@opsconductor/reach'

export const loginMsMax = 10_000

/** Drivers ask these of a socket, and a stream through a bastion does not have them. */
const socketMethods = ['setNoDelay', 'setKeepAlive', 'setTimeout', 'ref', 'unref'] as const

/** A connection to the database with all that drivers ask of a socket; log in over it by `logIn`. */
export async function loginSocket(
  reach: Reach,
  { host, port }: { host: string; port: number },
): Promise<Duplex> {
  const stream = await reach.connect(host, port, AbortSignal.timeout(loginMsMax))
  const bare = stream as unknown as Record<string, unknown>
  for (const name of socketMethods) bare[name] ??= () => stream
  // A stream that breaks between its making and the driver's first listener.
  stream.on('error', () => {})
  return stream
}

/** What a server says before a login is far shorter; one that goes on and on would fill our memory. */
const loginBytesMax = 1024 * 1024
const lookAgainMs = 20

/** `login` on the stream, which is destroyed where that fails, takes longer than 10 seconds or hears too much. */
export async function logIn<T>(
  stream: { destroy(): unknown; bytesRead?: number },
  login: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now()
  let timer: NodeJS.Timeout | undefined
  const given = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      const isLate = performance.now() - startedAt > loginMsMax
      if (!isLate && (stream.bytesRead ?? 0) <= loginBytesMax) return
      const what = isLate ? 'did not answer the login' : 'answered as no database does'
      reject(new AppError('target_unreachable', `The database took the connection and then ${what}.`))
    }, lookAgainMs)
  })
  try {
    const loggingIn = login()
    loggingIn.catch(() => {})
    return await Promise.race([loggingIn, given])
  } catch (error) {
    stream.destroy()
    throw error
  } finally {
    clearInterval(timer)
  }
}

/** What a database may send for one batch of rows: a row beyond it would fill our memory before any limit on rows. */
const batchBytesMax = 32 * 1024 * 1024

/** Counts what comes in; beyond the limit the stream is destroyed with an error that says so. */
export function limitBatches(stream: Duplex): { nextBatch(): number } {
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= batchBytesMax) return
    stream.destroy(
      new AppError('target_answer_too_large', `One row of the answer is larger than ${batchBytesMax} bytes.`),
    )
  })
  return {
    /** How much the last one was. */
    nextBatch() {
      const last = bytes
      bytes = 0
      return last
    },
  }
}
