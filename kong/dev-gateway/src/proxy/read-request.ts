import type { IncomingMessage } from 'node:http'
import { normalizePath } from './path.ts'

/** nginx's large_client_header_buffers: one line of the head at most this long. */
const lineBytesMax = 8192

export interface ReadRequest {
  /** As sent, without the query. */
  path: string
  /** Without the question mark. */
  query: string
  /** With its question mark, or empty; `/a?` keeps it. */
  search: string
  normalPath: string
  /** The Host header's name as sent: Kong compares it case-sensitively. */
  host: string
  port: number
  forwardedHost: string
}

export interface Refused {
  status: number
  message: string
}

const bad = (message = 'Bad request'): Refused => ({ status: 400, message })

function splitHost(authority: string) {
  const [, name = authority, port] = /^(.*?)(?::(\d{1,5}))?$/.exec(authority) ?? []
  return { name, port: port === undefined ? undefined : Number(port) }
}

function headerFault({ rawHeaders, httpVersion }: IncomingMessage): Refused | undefined {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const header = rawHeaders[i] ?? ''
    if (header.length + (rawHeaders[i + 1]?.length ?? 0) > lineBytesMax) {
      return bad('Request header or cookie too large')
    }
    if (header.length === 4 && header.toLowerCase() === 'host') hosts += 1
  }
  return hosts > 1 || (hosts === 0 && httpVersion === '1.1') ? bad() : undefined
}

/** Takes the request line and Host apart; `Refused` for what nginx would not let through. */
export function readRequest(request: IncomingMessage): ReadRequest | Refused {
  const { url = '/', method, headers, socket } = request
  if (url.length > lineBytesMax) return { status: 414, message: 'URI too long' }
  const fault = headerFault(request)
  if (fault) return fault
  if (method === 'TRACE') return { status: 405, message: 'Method not allowed' }

  // Absolute form: the authority is what X-Forwarded-Host names, yet Kong routes by the Host header.
  const absolute = url.startsWith('/') ? undefined : /^https?:\/\/([^/?#]+)(.*)$/i.exec(url)
  if (!url.startsWith('/') && !absolute) return bad()
  const local = absolute ? (absolute[2] ?? '') : url
  const rooted = local.startsWith('/') ? local : `/${local}`
  const mark = rooted.indexOf('?')
  const path = mark === -1 ? rooted : rooted.slice(0, mark)
  const search = mark === -1 ? '' : rooted.slice(mark)
  const normalPath = normalizePath(path)
  if (normalPath === undefined) return bad()
  const { name, port } = splitHost(headers.host ?? '')
  const forwarded = absolute?.[1] ? splitHost(absolute[1]).name : name
  return {
    path,
    query: search.slice(1),
    search,
    normalPath,
    host: name,
    port: port ?? socket.localPort ?? 0,
    forwardedHost: forwarded.toLowerCase() || 'kong',
  }
}
