import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { serverToken } from '../version.ts'

export type Headers = [name: string, value: string][]

interface Body {
  type?: string
  text: string
}

/** An answer of the gateway itself. A body that is a string is the message of an error in Kong's form. */
export interface Answer {
  status: number
  headers?: Headers
  body: Body | string
}

/** A request on its way through the proxy; `startedAt` is `performance.now()` of its arrival. */
export interface Arrived {
  request: IncomingMessage
  response: ServerResponse
  requestId: string
  startedAt: number
}

export const newRequestId = () => randomUUID().replaceAll('-', '')

export const jsonBody = (value: object): Body => ({
  type: 'application/json; charset=utf-8',
  text: JSON.stringify(value),
})

const plainError = (message: string, requestId: string): Body => ({
  type: 'text/plain; charset=utf-8',
  text: `${message}\nrequest_id: ${requestId}\n`,
})

/** JSON or plain text: what the client asks for, else what Kong has by default for such an error. */
function errorBody(message: string, { request, requestId }: Arrived, plainByDefault: boolean): Body {
  const { accept } = request.headers
  const plain = accept === undefined ? plainByDefault : accept === 'text/plain'
  return plain ? plainError(message, requestId) : jsonBody({ message, request_id: requestId })
}

export const hasBody = ({ headers }: IncomingMessage) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

/** The rest of an unread body must not be taken for the next request: its connection is closed. */
export const isUnread = (request: IncomingMessage) => !request.complete && hasBody(request)

/** Answers to requests that could not be understood; nginx ends their connections. */
const closing = new Set([400, 405])

const ms = (from: number, to: number) => String(Math.round(to - from))

/** `sentAt` is when the request went to the upstream; undefined when it did not. */
export function latencies({ startedAt }: Arrived, sentAt: number | undefined): Headers {
  const now = performance.now()
  if (sentAt === undefined) return [['X-Kong-Response-Latency', ms(startedAt, now)]]
  return [
    ['X-Kong-Upstream-Latency', ms(sentAt, now)],
    ['X-Kong-Proxy-Latency', ms(startedAt, sentAt)],
  ]
}

/** Ends the request with an answer of the gateway itself. */
export function sendOwn(arrived: Arrived, answer: Answer, sentAt?: number): void {
  const { request, response, requestId } = arrived
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const { status } = answer
  const plain = sentAt !== undefined || closing.has(status)
  const body = typeof answer.body === 'string' ? errorBody(answer.body, arrived, plain) : answer.body
  const headers: Headers = [...(answer.headers ?? []), ...latencies(arrived, sentAt)]
  if (body.type) headers.push(['Content-Type', body.type])
  headers.push(['Content-Length', String(Buffer.byteLength(body.text))])
  headers.push(['Server', serverToken], ['X-Kong-Request-Id', requestId])
  if (closing.has(status) || isUnread(request)) headers.push(['Connection', 'close'])
  response.writeHead(status, headers.flat())
  response.end(body.text)
}
