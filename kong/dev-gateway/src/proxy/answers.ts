import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { serverToken } from '../version.ts'

/** Kong's own error bodies, one per media type. */
const bodies: Record<string, (message: string, id: string) => string> = {
  'application/json': (message, id) => JSON.stringify({ message, request_id: id }),
  'text/plain': (message, id) => `${message}\nrequest_id: ${id}\n`,
  'text/html': (message, id) =>
    `<!doctype html>
<html>
  <head>
    <meta charset="utf-8">
    <title>Error</title>
  </head>
  <body>
    <h1>Error</h1>
    <p>${message}.</p>
    <p>request_id: ${id}</p>
  </body>
</html>
`,
  'application/xml': (message, id) =>
    `<?xml version="1.0" encoding="UTF-8"?>
<error>
  <message>${message}</message>
  <requestid>${id}</requestid>
</error>
`,
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
const escapeMarkup = (text: string) => text.replace(/[&<>]/g, (character) => escapes[character] ?? '')

/** The best type of the Accept header that Kong has a body for; JSON where any will do. */
function acceptedType(accept: string): string {
  const wanted = accept
    .split(',')
    .map((entry) => {
      const [type = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase())
      const q = parameters.find((parameter) => parameter.startsWith('q='))
      return { type, weight: q === undefined ? 1 : Number(q.slice(2)) || 0 }
    })
    .sort((a, b) => b.weight - a.weight)
  return wanted.find(({ type }) => Object.hasOwn(bodies, type))?.type ?? 'application/json'
}

export function errorBody(message: string, requestId: string, type: string) {
  const render = bodies[type] ?? bodies['text/plain']
  const markup = type === 'text/html' || type === 'application/xml'
  return {
    type: `${type}; charset=utf-8`,
    text: render?.(markup ? escapeMarkup(message) : message, requestId) ?? message,
  }
}

/** Errors of plugins and the router are JSON without an Accept header, those about the upstream plain text. */
export function errorBodyFor(
  request: IncomingMessage,
  message: string,
  requestId: string,
  fallback: 'application/json' | 'text/plain',
) {
  const { accept } = request.headers
  return errorBody(message, requestId, accept === undefined ? fallback : acceptedType(accept))
}

/** A request on its way through the proxy; `startedAt` is `performance.now()` of its arrival. */
export interface Arrived {
  request: IncomingMessage
  response: ServerResponse
  requestId: string
  startedAt: number
}

export const hasBody = ({ headers }: IncomingMessage) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

export const hasUnreadBody = (request: IncomingMessage) => !request.complete && hasBody(request)

export const newRequestId = () => randomUUID().replaceAll('-', '')

export const latency = ({ startedAt }: Arrived) => [
  'X-Kong-Response-Latency',
  String(Math.round(performance.now() - startedAt)),
]

/** Ends the request with an answer of the gateway itself. `headers` is flat: name, value, name, value. */
export function sendOwn(
  { request, response, requestId }: Arrived,
  status: number,
  headers: string[],
  body: { type?: string; text: string },
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const all = [...headers]
  if (body.type) all.push('Content-Type', body.type)
  all.push('Content-Length', String(Buffer.byteLength(body.text)))
  all.push('Server', serverToken, 'X-Kong-Request-Id', requestId)
  // The rest of an unread body must not be taken for the next request.
  if (hasUnreadBody(request)) all.push('Connection', 'close')
  response.writeHead(status, all)
  response.end(body.text)
}

const closing = new Set([400, 405, 414])

/** Kong's error answer for a request that reached no upstream. */
export function refuse(
  arrived: Arrived,
  status: number,
  message: string,
  options: { fallback?: 'text/plain'; headers?: string[] } = {},
): void {
  const { fallback = 'application/json', headers = [] } = options
  const body = errorBodyFor(arrived.request, message, arrived.requestId, fallback)
  const close = closing.has(status) ? ['Connection', 'close'] : []
  sendOwn(arrived, status, [...headers, ...close, ...latency(arrived)], body)
}
