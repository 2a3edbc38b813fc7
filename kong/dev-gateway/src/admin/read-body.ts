import type { IncomingMessage } from 'node:http'
import { AdminError } from './admin-error.ts'

const bodyBytesMax = 10 * 2 ** 20

/** The JSON object of a request; an empty one where there is no body. */
export async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += (chunk as Buffer).length
    if (length > bodyBytesMax) throw new AdminError(413, { message: 'Payload too large' })
    chunks.push(chunk as Buffer)
  }
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (type === undefined && length === 0) return {}
  if (type !== 'application/json') throw new AdminError(415, { message: 'Unsupported media type: send JSON' })
  let body: unknown
  try {
    body = JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw new AdminError(400, { message: 'Cannot parse JSON body' })
  }
  // An empty array is an empty table to Kong; real Kong answers 500 to the others.
  if (Array.isArray(body) && body.length === 0) return {}
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new AdminError(400, { message: 'Cannot parse JSON body' })
  }
  return body as Record<string, unknown>
}
