import { type ConnectionInput, httpError, readBody } from '@opsconductor/reach'
import { redacted } from '@opsconductor/redact'
import { type Dispatcher, request } from 'undici'
import { decodeText, parseBody } from './answer/parse-body.ts'
import { type PhaseTimeouts, watchPhases } from './phase-timeouts.ts'

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** http(s), without credentials in it. */
  url: URL
  /** By lower-case names. */
  headers: Record<string, string>
  body?: string | Uint8Array | undefined
  bodyBytesMax: number
  /** The answer's body is not read: its status says it all. */
  ignoresBody?: boolean
  /** The answer's body in base64, whatever its content type. */
  asBase64?: boolean
  /** The statuses whose body is read as it says; of any other's only the beginning, as text. Left out: all. */
  wants?(status: number): boolean
  /** Takes the body of a status that is wanted, instead of the answer. */
  keep?(content: AsyncIterable<Uint8Array>, contentType: string): Promise<unknown>
  timeouts?: PhaseTimeouts
  connection?: ConnectionInput
  /** Carries nothing of the step's credentials, also not in its connection. */
  isAnonymous?: boolean
  /** The answer's body is a secret as a whole: it is not recorded. */
  hidesAnswer?: boolean
}

export interface HttpAnswer {
  status: number
  headers: Record<string, string>
  /** Parsed where its content type is JSON or XML, else text; null where there is none. */
  body: unknown
  /** What `keep` made of the body. */
  kept?: unknown
  /** It came over TLS from somebody whose certificate nobody looked at. */
  isUnverified?: boolean
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
  isTlsUnverified?: boolean
}

/** Sends one request and reads its answer whole. Redirects are answers. Every exchange is recorded, failed ones too. */
export async function exchange(
  dispatcher: Dispatcher,
  outgoing: HttpRequest,
  signal: AbortSignal,
  record: (exchange: HttpExchange) => void,
): Promise<HttpAnswer> {
  const startedAt = performance.now()
  const seen: Seen = { status: null, responseHeaders: null, responseBody: null }
  const phases = watchPhases(outgoing.timeouts ?? {}, signal)
  const isTlsUnverified = outgoing.url.protocol === 'https:' && outgoing.connection?.verify === false
  try {
    const answer = await request(outgoing.url, {
      dispatcher,
      method: outgoing.method,
      headers: outgoing.headers,
      body: outgoing.body ?? null,
      signal: phases.signal,
    })
    phases.headersCame()
    const read = await readAnswer(answer, outgoing, seen, phases.signal)
    return { ...read, ...(isTlsUnverified && { isUnverified: true }) }
  } catch (error) {
    throw httpError(error, phases.signal)
  } finally {
    phases.end()
    record({
      method: outgoing.method,
      url: outgoing.url.href,
      requestHeaders: outgoing.headers,
      requestBody: bodyText(outgoing.body),
      ...seen,
      responseTimeMs: Math.round(performance.now() - startedAt),
      isTlsUnverified,
    })
  }
}

type Seen = Pick<HttpExchange, 'status' | 'responseHeaders' | 'responseBody'>

async function readAnswer(
  answer: Dispatcher.ResponseData,
  outgoing: HttpRequest,
  seen: Seen,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { statusCode: status, body } = answer
  const headers = flatHeaders(answer.headers)
  Object.assign(seen, { status, responseHeaders: headers })
  if (outgoing.ignoresBody) {
    // Not read to its end either: it may be a stream that has none.
    body.on('error', () => {}).destroy()
    return { status, headers, body: null }
  }
  const contentType = headers['content-type']
  const recordable = (text: string) => (outgoing.hidesAnswer && text !== '' ? redacted : text)
  if (!(outgoing.wants?.(status) ?? true)) {
    const text = decodeText(await beginningOf(body, headers['content-encoding'], signal), contentType)
    seen.responseBody = recordable(text)
    return { status, headers, body: text }
  }
  const content = readBody(body, headers['content-encoding'], outgoing.bodyBytesMax)
  if (outgoing.keep !== undefined) {
    const kept = await outgoing
      .keep(content, contentType ?? 'application/octet-stream')
      .finally(() => body.on('error', () => {}).destroy())
    return { status, headers, body: null, kept }
  }
  const bytes = await joined(content)
  const text = decodeText(bytes, contentType)
  seen.responseBody = recordable(text)
  return {
    status,
    headers,
    body: outgoing.asBase64 ? bytes.toString('base64') : parseBody(text, contentType),
  }
}

/** Enough to see in the record what went wrong. */
const unwantedBytesMax = 64 * 1024

/** As much of it as can be read: a fault in a body that nobody asked for does not hide the status. */
async function beginningOf(
  body: Dispatcher.ResponseData['body'],
  contentEncoding: string | undefined,
  signal: AbortSignal,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of readBody(body, contentEncoding, Number.POSITIVE_INFINITY)) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= unwantedBytesMax) break
    }
  } catch (error) {
    if (signal.aborted) throw error
  }
  return Buffer.concat(chunks)
}

async function joined(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of content) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const bodyText = (body: HttpRequest['body']): string | null =>
  body === undefined || typeof body === 'string' ? (body ?? null) : Buffer.from(body).toString('utf8')

function flatHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  )
}
