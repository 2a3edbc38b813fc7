import type { IncomingMessage } from 'node:http'
import type { Answer } from './answers.ts'
import { normalizePath } from './path.ts'

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

const badRequest: Answer = { status: 400, body: 'Bad request' }

/** Takes the request line and Host apart; an answer for what nginx would not let through. */
export function readRequest(request: IncomingMessage): ReadRequest | Answer {
  const { method, url = '/', headers, headersDistinct, httpVersion, socket } = request
  if (method === 'TRACE') return { status: 405, body: 'Method not allowed' }
  const hosts = headersDistinct.host?.length ?? 0
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1') || !url.startsWith('/')) return badRequest
  const [, path = '/', search = ''] = /^([^?]*)(.*)$/s.exec(url) ?? []
  const normalPath = normalizePath(path)
  if (normalPath === undefined) return badRequest
  const [, host = '', port] = /^(.*?)(?::(\d{1,5}))?$/.exec(headers.host ?? '') ?? []
  return { path, search, normalPath, host, port: Number(port ?? socket.localPort) }
}
