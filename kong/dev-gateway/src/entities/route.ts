import { z } from 'zod'
import { bytesOf, normalizePath } from '../proxy/path.ts'
import {
  flag,
  identity,
  integer,
  list,
  name,
  oneOf,
  oneOfNumbers,
  optional,
  record,
  reference,
  set,
  text,
} from './fields.ts'
import type { Fields } from './violations.ts'

const badEscape = /%(?![0-9a-f]{2}).{0,2}/i

function pathFault(path: string): string | undefined {
  if (path.startsWith('~/')) {
    try {
      new RegExp(path.slice(1))
      return undefined
    } catch (error) {
      return `invalid regex: '${path.slice(1)}' (${(error as Error).message})`
    }
  }
  if (!path.startsWith('/')) return 'should start with: / (fixed path) or ~/ (regex path)'
  if (path.includes('//')) return 'must not have empty segments'
  const broken = badEscape.exec(path)
  if (broken) return `invalid url-encoded value: '${broken[0]}'`
  const normal = normalizePath(bytesOf(path))
  if (normal === bytesOf(path)) return undefined
  return `non-normalized path, consider use '${Buffer.from(normal ?? '/', 'latin1')}' instead`
}

function hostFault(host: string): string | undefined {
  const stars = host.split('*').length - 1
  if (stars > 1) return 'invalid wildcard: must have at most one wildcard'
  if (stars === 1 && !/^\*\.[^*]+$|^[^*]+\.\*$/.test(host)) {
    return 'invalid wildcard: must be placed at leftmost or rightmost label'
  }
  return /^[A-Za-z0-9.\-_*]+(:\d+)?$|^\[[0-9a-f:.]+\](:\d+)?$/i.test(host)
    ? undefined
    : `invalid hostname: ${host}`
}

const checked = (fault: (value: string) => string | undefined) =>
  text().superRefine((value, context) => {
    const message = value === '' ? undefined : fault(value)
    if (message) context.addIssue({ code: 'custom', message })
  })

const protocols = list(z.unknown())
  .superRefine((values, context) => {
    const unknown = values.length === 0 ? 'nil' : values.find((v) => v !== 'http' && v !== 'https')
    if (unknown !== undefined) context.addIssue({ code: 'custom', message: `unknown type: ${unknown}` })
  })
  .transform((values) => [...new Set(values as ('http' | 'https')[])])

const headers = z.unknown().superRefine((value, context) => {
  const fault = (message: string) => context.addIssue({ code: 'custom', message })
  if (typeof value !== 'object' || Array.isArray(value)) return fault('expected a map')
  for (const [header, values] of Object.entries(value ?? {})) {
    if (header.toLowerCase() === 'host') {
      return fault("cannot contain 'host' header, which must be specified in the 'hosts' attribute")
    }
    if (!Array.isArray(values)) return fault('expected an array')
    if (values.length === 0) return fault('length must be at least 1')
    if (!values.every((item) => typeof item === 'string')) return fault('expected a string')
  }
})

const method = text().refine((value) => /^[A-Z]+$/.test(value), {
  error: (issue) => `invalid value: ${issue.input}`,
})
const noStreams = z.unknown().superRefine((value, context) => {
  if (value !== null) {
    context.addIssue({
      code: 'custom',
      message: "cannot set 'sources' when 'protocols' is 'http' or 'https'",
    })
  }
})

export const Route = record({
  ...identity,
  name: optional(name()),
  protocols: protocols.default(['http', 'https']),
  methods: optional(set(method)),
  hosts: optional(list(checked(hostFault))),
  paths: optional(list(checked(pathFault))),
  headers: optional(headers.transform((value) => value as Record<string, string[]>)),
  https_redirect_status_code: oneOfNumbers(426, 301, 302, 307, 308).default(426),
  regex_priority: optional(integer(), 0),
  strip_path: flag().default(true),
  path_handling: optional(oneOf('v0', 'v1'), 'v0'),
  preserve_host: flag().default(false),
  request_buffering: flag().default(true),
  response_buffering: flag().default(true),
  snis: optional(set(text())),
  sources: optional(noStreams),
  destinations: optional(noStreams),
  service: optional(reference()),
})
export type Route = z.infer<typeof Route>

const isEmpty = (value: unknown) =>
  value === null || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0)

/** Kong's router compiles to Rust's regex engine, which has neither look-around nor back-references. */
function unsupportedRegex(paths: unknown): string | undefined {
  if (!Array.isArray(paths)) return undefined
  return paths.find(
    (path) => typeof path === 'string' && path.startsWith('~/') && /\(\?(?:<?[=!])|\\[1-9]|\\k</.test(path),
  )
}

export function routeRules(route: Record<string, unknown>): Fields {
  const faults: string[] = []
  const fields: Fields = {}
  const secure = !Array.isArray(route.protocols) || route.protocols.includes('https')
  if (!secure && !isEmpty(route.snis)) {
    faults.push("'snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls' or 'tls_passthrough'")
    fields.snis = 'length must be 0'
  }
  const kinds = ['methods', 'hosts', 'headers', 'paths', ...(secure ? ['snis'] : [])]
  if (kinds.every((kind) => isEmpty(route[kind]))) {
    const quoted = kinds.map((kind) => `'${kind}'`).join(', ')
    faults.push(`must set one of ${quoted} when 'protocols' is '${secure ? 'https' : 'http'}'`)
  }
  const look = unsupportedRegex(route.paths)
  if (look !== undefined) {
    faults.push(
      `Router Expression failed validation: ${look}: look-around, including look-ahead and look-behind, is not supported`,
    )
  }
  if (faults.length > 0) fields['@entity'] = faults
  return fields
}
