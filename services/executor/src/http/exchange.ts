import { AppError } from '@opsconductor/errors'
import { type Dispatcher, request } from 'undici'
import { httpError } from './http-error.ts'
import { parseBody } from './parse-body.ts'

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST'
  /** http(s), without credentials in it. */
  url: URL
  headers: Record<string, string>
  body?: string | undefined
  bodyBytesMax: number
  /** The answer's body is not read: its status says it all. */
  ignoresBody?: boolean
}

export interface HttpAnswer {
  status: number
  headers: Record<string, string>
  /** Parsed where its content type is JSON, else text; null where there is none. */
  body: unknown
}

/** One exchange as it went over the wire, secrets included: redact before it is kept. */
export interface HttpExchange {
  method: string
  url: string
  requestHeaders: Record<string, string>
  requestBody: string | null
  status: number | null
  responseHeaders: Record<string, string> | null
  responseBody: string | null
  responseTimeMs: number
}

/** Sends one request and reads its answer whole. Redirects are answers. Every exchange is recorded, failed ones too. */
export async function exchange(
  dispatcher: Dispatcher,
  outgoing: HttpRequest,
  signal: AbortSignal,
  record: (exchange: HttpExchange) => void,
): Promise<HttpAnswer> {
  const startedAt = performance.now()
  const seen: Pick<HttpExchange, 'status' | 'responseHeaders' | 'responseBody'> = {
    status: null,
    responseHeaders: null,
    responseBody: null,
  }
  try {
    const answer = await request(outgoing.url, {
      dispatcher,
      method: outgoing.method,
      headers: outgoing.headers,
      body: outgoing.body ?? null,
      signal,
    })
    seen.status = answer.statusCode
    seen.responseHeaders = flatHeaders(answer.headers)
    if (outgoing.ignoresBody) {
      // Not read to its end either: it may be a stream that has none.
      answer.body.on('error', () => {}).destroy()
      return { status: answer.statusCode, headers: seen.responseHeaders, body: null }
    }
    const text = await readText(answer.body, outgoing.bodyBytesMax)
    seen.responseBody = text
    return {
      status: answer.statusCode,
      headers: seen.responseHeaders,
      body: parseBody(text, seen.responseHeaders['content-type']),
    }
  } catch (error) {
    throw httpError(error, signal)
  } finally {
    record({
      method: outgoing.method,
      url: outgoing.url.href,
      requestHeaders: outgoing.headers,
      requestBody: outgoing.body ?? null,
      ...seen,
      responseTimeMs: Math.round(performance.now() - startedAt),
    })
  }
}

async function readText(body: AsyncIterable<Buffer>, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > bytesMax)
      throw new AppError('target_answer_too_large', `The target answered more than ${bytesMax} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function flatHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  )
}
