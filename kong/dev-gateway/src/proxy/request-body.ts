import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { hasBody } from './answers.ts'

/** Codes of the errors that end a request from this side. */
export const stopped = { write: 'DEV_GATEWAY_WRITE_TIMEOUT', size: 'DEV_GATEWAY_BODY_TOO_LARGE' }
export const stop = (code: string) => Object.assign(new Error(code), { code })

/**
 * The request's body, pulled only as fast as the upstream takes it. The client's socket outlives it
 * (`destroyOnReturn: false`), so that a failure can still be answered.
 */
async function* bodyOf(
  request: IncomingMessage,
  bytesMax: number,
  writeTimeoutMs: number,
  abort: (e: Error) => void,
) {
  let length = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += (chunk as Buffer).length
    if (length > bytesMax) throw stop(stopped.size)
    const timer = setTimeout(() => abort(stop(stopped.write)), writeTimeoutMs)
    try {
      yield chunk as Buffer
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Null when the request has none. `abort` is called when the upstream stops taking it. */
export function bodyFor(
  request: IncomingMessage,
  bytesMax: number | undefined,
  writeTimeoutMs: number,
  abort: (error: Error) => void,
): Readable | null {
  if (!hasBody(request)) return null
  const body = bodyOf(request, bytesMax ?? Number.POSITIVE_INFINITY, writeTimeoutMs, abort)
  return Readable.from(body, { objectMode: false })
}
