import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Exchange } from '../plugins/plugin.ts'
import { serverToken } from '../version.ts'
import type { Headers } from './answers.ts'
import { bytesOf } from './path.ts'

/** RFC 9110 section 7.6.1, and what belongs to one connection by custom. */
const hopByHop = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']

/** Set by the gateway; what a client sends under these names never reaches the upstream. */
const overwritten = ['host', 'expect', 'via', 'x-real-ip', 'x-kong-request-id']
for (const what of ['for', 'proto', 'host', 'port', 'path', 'prefix']) overwritten.push(`x-forwarded-${what}`)

export const isSecure = (request: IncomingMessage) =>
  (request.socket as Partial<TLSSocket>).encrypted === true

const namesOf = (headers: Headers) => headers.map(([name]) => name.toLowerCase())

/** Node's and undici's flat lists, without what belongs to the connection they came on. */
function endToEnd(flat: string[]): Headers {
  const headers: Headers = []
  for (let i = 0; i < flat.length; i += 2) headers.push([flat[i] ?? '', flat[i + 1] ?? ''])
  const connection = headers.filter(([name]) => name.toLowerCase() === 'connection')
  const named = connection.flatMap(([, value]) => value.toLowerCase().split(',')).map((name) => name.trim())
  const dropped = new Set([...hopByHop, ...named])
  dropped.delete('content-length')
  return headers.filter(([name]) => !dropped.has(name.toLowerCase()))
}

/** The headers for the upstream, in the client's own spelling. */
export function headersToUpstream(
  exchange: Exchange,
  upstreamHost: string,
  strippedPrefix?: string,
): Headers {
  const { request, clientIp, toUpstream, host, path, requestId } = exchange
  const { rawHeaders, headers, socket } = request
  const dropped = new Set([...overwritten, ...namesOf(toUpstream)])
  // Kong prints 1.0 without its zero.
  const via = `${request.httpVersion === '1.0' ? '1' : '1.1'} ${serverToken}`
  const before = headers['x-forwarded-for']
  const own: Headers = [
    ['Via', headers.via === undefined ? via : `${headers.via}, ${via}`],
    ['Host', upstreamHost],
    ['X-Forwarded-For', before === undefined ? clientIp : `${before}, ${clientIp}`],
    ['X-Forwarded-Proto', isSecure(request) ? 'https' : 'http'],
    ['X-Forwarded-Host', host.toLowerCase() || 'kong'],
    ['X-Forwarded-Port', String(socket.localPort)],
    ['X-Forwarded-Path', path],
    ['X-Real-IP', clientIp],
    ['X-Kong-Request-Id', requestId],
  ]
  if (strippedPrefix !== undefined) own.push(['X-Forwarded-Prefix', strippedPrefix])
  const given = endToEnd(rawHeaders).filter(([name]) => !dropped.has(name.toLowerCase()))
  return [...own, ...given, ...toUpstream]
}

/** The upstream's headers for the client; `raw` is undici's list. What plugins add replaces what the upstream says. */
export function headersToClient(raw: string[], added: Headers): Headers {
  const dropped = new Set(namesOf(added))
  dropped.add('via').delete('vary')
  const upstream = endToEnd(raw).map(([name, value]): Headers[number] => [name, bytesOf(value)])
  const via = upstream.filter(([name]) => name.toLowerCase() === 'via').map(([, value]) => value)
  const headers = upstream.filter(([name]) => !dropped.has(name.toLowerCase()))
  if (!namesOf(headers).includes('server')) headers.push(['Server', serverToken])
  return [...headers, ...added, ['Via', [...via, `1.1 ${serverToken}`].join(', ')]]
}
