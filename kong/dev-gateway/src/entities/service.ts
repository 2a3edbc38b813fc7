import { isIPv6 } from 'node:net'
import type { z } from 'zod'
import { flag, identity, integer, list, name, oneOf, optional, record, reference, text } from './fields.ts'
import type { Fields } from './violations.ts'

const host = text().superRefine((value, context) => {
  if (isIPv6(value) || /^[A-Za-z0-9._-]+$/.test(value)) return
  context.addIssue({
    code: 'custom',
    message: /^[^:/]+:\d+$/.test(value) ? 'must not have a port' : `invalid value: ${value}`,
  })
})

const path = text()
  .refine((value) => value.startsWith('/'), { error: 'should start with: /', abort: true })
  .refine((value) => !value.includes('//'), { error: 'must not have empty segments', abort: true })
  .refine((value) => /^[A-Za-z0-9\-_.~!*'();:@&=+$,/%[\]]*$/.test(value), {
    error: (issue) =>
      `invalid path: '${issue.input}' (characters outside of the reserved list of RFC 3986 found)`,
  })

const timeout = () => optional(integer(1, 2_147_483_646), 60_000)

export const Service = record({
  ...identity,
  name: optional(name()),
  protocol: oneOf('grpc', 'grpcs', 'http', 'https', 'tcp', 'tls', 'tls_passthrough', 'udp').default('http'),
  host,
  port: integer(0, 65_535).default(80),
  path: optional(path),
  retries: optional(integer(0, 32_767), 5),
  connect_timeout: timeout(),
  write_timeout: timeout(),
  read_timeout: timeout(),
  enabled: flag().default(true),
  tls_verify: optional(flag()),
  tls_verify_depth: optional(integer(0, 64)),
  client_certificate: optional(reference()),
  ca_certificates: optional(list(text())),
})
export type Service = z.infer<typeof Service>

const tlsFields = ['client_certificate', 'tls_verify', 'tls_verify_depth', 'ca_certificates']

/** Rules between fields: what a protocol does not know has to stay unset. */
export function serviceRules(service: Record<string, unknown>): Fields {
  const fields: Fields = {}
  const forbid = (field: string) => {
    if (service[field] === null || service[field] === undefined) return
    fields[field] = 'value must be null'
    fields['@entity'] = ["failed conditional validation given value of field 'protocol'"]
  }
  const protocol = String(service.protocol ?? 'http')
  if (['grpc', 'grpcs', 'tcp', 'tls', 'tls_passthrough', 'udp'].includes(protocol)) forbid('path')
  if (['http', 'grpc', 'tcp', 'udp', 'tls_passthrough'].includes(protocol)) tlsFields.forEach(forbid)
  return fields
}

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
