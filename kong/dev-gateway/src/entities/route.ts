import { z } from 'zod'
import { bytesOf, normalizePath } from '../proxy/path.ts'
import { checked, identity, integer, name, optional, reference, set } from './fields.ts'

/** Kong's router compiles to Rust's regex engine, which has neither look-around nor back-references. */
const unsupportedRegex = /\(\?(?:<?[=!])|\\[1-9]|\\k</

function regexFault(regex: string): string | undefined {
  if (unsupportedRegex.test(regex)) return `invalid regex: '${regex}' (no look-around, no back-references)`
  try {
    // In the form that the router compiles.
    new RegExp(bytesOf(regex))
    return undefined
  } catch (error) {
    return `invalid regex: '${regex}' (${(error as Error).message})`
  }
}

function pathFault(path: string): string | undefined {
  if (path.startsWith('~/')) return regexFault(path.slice(1))
  if (!path.startsWith('/')) return 'should start with: / (fixed path) or ~/ (regex path)'
  if (path.includes('//')) return 'must not have empty segments'
  const broken = /%(?![0-9a-f]{2}).{0,2}/i.exec(path)
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
  return /^[A-Za-z0-9.\-_*]+(:\d+)?$/.test(host) ? undefined : `invalid hostname: ${host}`
}

const method = checked((value) => (/^[A-Z]+$/.test(value) ? undefined : `invalid value: ${value}`))
const headers = z
  .record(z.string(), z.array(z.string()).min(1))
  .refine(
    (value) => !Object.keys(value).some((header) => header.toLowerCase() === 'host'),
    "cannot contain 'host' header, which must be specified in the 'hosts' attribute",
  )
  .refine(
    (value) =>
      !Object.values(value)
        .flat()
        .some((wanted) => wanted.startsWith('~*') && regexFault(wanted.slice(2))),
    'invalid regex',
  )

const isEmpty = (value: object | null) => value === null || Object.keys(value).length === 0

export const Route = z
  .strictObject({
    ...identity,
    name: optional(name()),
    protocols: set(z.enum(['http', 'https']))
      .refine((values) => values.length > 0, 'length must be at least 1')
      .default(['http', 'https']),
    methods: optional(set(method)),
    hosts: optional(z.array(checked(hostFault))),
    paths: optional(z.array(checked(pathFault))),
    headers: optional(headers),
    https_redirect_status_code: z.literal([426, 301, 302, 307, 308]).default(426),
    regex_priority: optional(integer(), 0),
    strip_path: z.boolean().default(true),
    path_handling: optional(z.enum(['v0', 'v1']), 'v0'),
    preserve_host: z.boolean().default(false),
    request_buffering: z.boolean().default(true),
    response_buffering: z.boolean().default(true),
    service: optional(reference()),
  })
  .superRefine(({ methods, hosts, headers, paths }, context) => {
    if (![methods, hosts, headers, paths].every(isEmpty)) return
    const message =
      "must set one of 'methods', 'hosts', 'headers', 'paths', 'snis' when 'protocols' is 'https'"
    context.addIssue({ code: 'custom', path: ['@entity', 0], message })
  })
export type Route = z.infer<typeof Route>
