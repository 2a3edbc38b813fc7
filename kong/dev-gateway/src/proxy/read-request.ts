import type { IncomingMessage } from 'node:http'
import type { Answer } from './answers.ts'
import { normalizePath } from './path.ts'

/** nginx's large_client_header_buffers: one line of the head at most this long. */
const lineBytesMax = 8192

export interface ReadRequest {
  /** As sent, without the query. */
  path: string
  /** The query with its question mark, or empty; `/a?` keeps it. */
  search: string
  normalPath: string
  /** The Host header's name as sent: Kong compares it case-sensitively. */
  host: string
  port: number
}

function faultOf({ url = '/', method, rawHeaders, headersDistinct, httpVersion }: IncomingMessage) {
  if (url.length > lineBytesMax) return { status: 414, body: 'URI too long' }
  const tooLong = rawHeaders.some(
    (name, i) => i % 2 === 0 && name.length + (rawHeaders[i + 1]?.length ?? 0) > lineBytesMax,
  )
  if (tooLong) return { status: 400, body: 'Request header or cookie too large' }
  if (method === 'TRACE') return { status: 405, body: 'Method not allowed' }
  const hosts = headersDistinct.host?.length ?? 0
  const hostMissing = hosts === 0 && httpVersion === '1.1'
  return hosts > 1 || hostMissing || !url.startsWith('/') ? { status: 400, body: 'Bad request' } : undefined
}

/** Takes the request line and Host apart; an answer for what nginx would not let through. */
export function readRequest(request: IncomingMessage): ReadRequest | Answer {
  const fault = faultOf(request)
  if (fault) return fault
  const { url = '/', headers, socket } = request
  const [, path = '/', search = ''] = /^([^?]*)(.*)$/s.exec(url) ?? []
  const normalPath = normalizePath(path)
  if (normalPath === undefined) return { status: 400, body: 'Bad request' }
  const [, host = '', port] = /^(.*?)(?::(\d{1,5}))?$/.exec(headers.host ?? '') ?? []
  return { path, search, normalPath, host, port: Number(port ?? socket.localPort) }
}
