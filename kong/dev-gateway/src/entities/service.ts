import { isIPv6 } from 'node:net'
import { z } from 'zod'
import { checked, identity, integer, name, optional } from './fields.ts'

const kongProtocols = ['grpc', 'grpcs', 'http', 'https', 'tcp', 'tls', 'tls_passthrough', 'udp'] as const
const protocol = z
  .enum(kongProtocols)
  .refine((value) => value === 'http' || value === 'https', 'the dev gateway speaks http and https only')

const host = checked((value) => {
  if (isIPv6(value) || /^[A-Za-z0-9._-]+$/.test(value)) return undefined
  return /^[^:/]+:\d+$/.test(value) ? 'must not have a port' : `invalid value: ${value}`
})

const path = checked((value) => {
  if (!value.startsWith('/')) return 'should start with: /'
  if (value.includes('//')) return 'must not have empty segments'
  if (/^[A-Za-z0-9\-_.~!*'();:@&=+$,/%[\]]*$/.test(value)) return undefined
  return `invalid path: '${value}' (characters outside of the reserved list of RFC 3986 found)`
})

const timeout = () => optional(integer(1, 2_147_483_646), 60_000)

export const Service = z.strictObject({
  ...identity,
  name: optional(name()),
  protocol: protocol.default('http'),
  host,
  port: integer(0, 65_535).default(80),
  path: optional(path),
  retries: optional(integer(0, 32_767), 5),
  connect_timeout: timeout(),
  write_timeout: timeout(),
  read_timeout: timeout(),
  enabled: z.boolean().default(true),
})
export type Service = z.infer<typeof Service>

/** Kong's shorthand: `url` sets protocol, host, port and path, and wins over them. */
export function expandServiceUrl(body: Record<string, unknown>): Record<string, unknown> {
  const { url, ...rest } = body
  if (typeof url !== 'string') return body
  const parts = /^([a-z]+):\/\/(\[[^\]]*\]|[^/:?#]*)(?::(\d+))?(\/[^?#]*)?/i.exec(url)
  if (!parts) return { ...rest, path: url }
  const protocol = parts[1]?.toLowerCase() ?? ''
  return {
    ...rest,
    protocol,
    host: parts[2]?.replace(/^\[|\]$/g, ''),
    port: parts[3] ? Number(parts[3]) : protocol === 'https' ? 443 : 80,
    path: parts[4] ?? null,
  }
}
