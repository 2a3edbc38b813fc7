import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { serverToken } from '../version.ts'

/** RFC 9110 section 7.6.1, and what belongs to one connection by custom. */
const hopByHop = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'])

/** Set by the gateway; what a client sends under these names never reaches the upstream. */
const overwritten = new Set([
  'host',
  'expect',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-path',
  'x-forwarded-prefix',
  'x-real-ip',
  'x-kong-request-id',
  'via',
])

const namedIn = (connection: string | undefined) =>
  connection === undefined || /^(keep-alive|close)$/i.test(connection)
    ? undefined
    : new Set(
        connection
          .toLowerCase()
          .split(',')
          .map((token) => token.trim()),
      )

export interface Forwarding {
  upstreamHost: string
  /** As the client sent it, without the query. */
  path: string
  strippedPrefix: string | undefined
  clientIp: string
  forwardedHost: string
  requestId: string
  /** Flat list from plugins; these replace what the client sent. */
  added: string[]
}

export const isSecure = (request: IncomingMessage) =>
  (request.socket as Partial<TLSSocket>).encrypted === true

/** The header list for the upstream, flat, in the client's own spelling. */
export function headersToUpstream(request: IncomingMessage, forwarding: Forwarding): string[] {
  const { rawHeaders, headers, socket } = request
  const named = namedIn(headers.connection)
  const { added } = forwarding
  const replaced = new Set<string>()
  for (let i = 0; i < added.length; i += 2) replaced.add((added[i] ?? '').toLowerCase())

  const before = headers['x-forwarded-for']
  // Kong prints 1.0 without its zero.
  const via = `${request.httpVersion === '1.0' ? '1' : '1.1'} ${serverToken}`
  const out = [
    'Via',
    headers.via === undefined ? via : `${headers.via}, ${via}`,
    'Host',
    forwarding.upstreamHost,
    'X-Forwarded-For',
    before === undefined ? forwarding.clientIp : `${before}, ${forwarding.clientIp}`,
    'X-Forwarded-Proto',
    isSecure(request) ? 'https' : 'http',
    'X-Forwarded-Host',
    forwarding.forwardedHost,
    'X-Forwarded-Port',
    String(socket.localPort),
    'X-Forwarded-Path',
    forwarding.path,
    'X-Real-IP',
    forwarding.clientIp,
    'X-Kong-Request-Id',
    forwarding.requestId,
  ]
  if (forwarding.strippedPrefix) out.push('X-Forwarded-Prefix', forwarding.strippedPrefix)
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const header = rawHeaders[i] ?? ''
    const value = rawHeaders[i + 1] ?? ''
    const lower = header.toLowerCase()
    if (hopByHop.has(lower) || overwritten.has(lower) || replaced.has(lower)) continue
    // `TE: trailers` is the one TE that may travel on; the connection option that names it is ours to drop.
    if (lower === 'te' ? value !== 'trailers' : named?.has(lower) && lower !== 'content-length') continue
    out.push(header, value)
  }
  out.push(...added)
  return out
}

/** The upstream's headers for the client, flat; `raw` is undici's list of names and values. */
export function headersToClient(raw: readonly (Buffer | string)[]): string[] {
  const out: string[] = []
  let named: Set<string> | undefined
  for (let i = 0; i < raw.length; i += 2) {
    if (String(raw[i]).toLowerCase() === 'connection') named = namedIn(latin1(raw[i + 1]))
  }
  let server = false
  for (let i = 0; i < raw.length; i += 2) {
    const header = latin1(raw[i])
    const lower = header.toLowerCase()
    if (hopByHop.has(lower) || named?.has(lower)) continue
    if (lower === 'server') server = true
    out.push(header, latin1(raw[i + 1]))
  }
  if (!server) out.push('Server', serverToken)
  return out
}

const latin1 = (value: Buffer | string | undefined) =>
  typeof value === 'string' ? value : (value?.toString('latin1') ?? '')
