import { z } from 'zod'
import { checked, optional, text } from '../entities/fields.ts'
import type { Headers } from '../proxy/answers.ts'
import { definePlugin } from './plugin.ts'

const allMethods = ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT'] as const

const plainOrigin = /^[A-Za-z0-9.:/-]+$/

/** Kong takes an origin that looks like more than a URL for a regex; here it has to match the whole origin. */
function originMatcher(origins: string[]): (origin: string) => boolean {
  const plain = new Set(origins.filter((origin) => plainOrigin.test(origin)))
  const patterns = origins.filter((o) => !plainOrigin.test(o)).map((o) => new RegExp(`^(?:${o})$`))
  return (origin) => plain.has(origin) || patterns.some((pattern) => pattern.test(origin))
}

const origin = checked((value) => {
  try {
    if (value !== '*') new RegExp(value)
    return undefined
  } catch {
    return `'${value}' is not a valid regex`
  }
})

const Config = z
  .strictObject({
    origins: optional(z.array(origin)),
    headers: optional(z.array(text())),
    exposed_headers: optional(z.array(text())),
    methods: optional(z.array(z.enum(allMethods)), [...allMethods]),
    max_age: optional(z.number()),
    credentials: z.boolean().default(false),
    preflight_continue: z.boolean().default(false),
  })
  .prefault({})
type Config = z.output<typeof Config>

/** The headers that say whether the page at this origin may read the answer. */
function allowFor({ origins, credentials }: Config): (origin: string | undefined) => Headers {
  const listed = origins ?? ['*']
  const [only = '*'] = listed
  const any = listed.length === 0 || (listed.length === 1 && only === '*')
  // Kong names a single plain origin to everyone.
  const fixed = listed.length === 1 && plainOrigin.test(only) ? only : undefined
  const matches = originMatcher(listed.filter((entry) => entry !== '*'))
  return (origin) => {
    if (any && (!credentials || origin === undefined)) return [['Access-Control-Allow-Origin', '*']]
    const headers: Headers = [['vary', 'Origin']]
    const allowed = fixed ?? (origin !== undefined && (any || matches(origin)) ? origin : undefined)
    if (allowed !== undefined) headers.push(['Access-Control-Allow-Origin', allowed])
    if (credentials) headers.push(['Access-Control-Allow-Credentials', 'true'])
    return headers
  }
}

export const cors = definePlugin({
  name: 'cors',
  priority: 2000,
  config: Config,
  start(config) {
    const allow = allowFor(config)
    const exposed = config.exposed_headers?.join(',')
    const preflight = (asked: string | undefined): Headers => {
      const headers: Headers = [['Access-Control-Allow-Methods', (config.methods ?? []).join(',')]]
      const allowed = config.headers?.join(',') ?? asked
      if (allowed) headers.push(['Access-Control-Allow-Headers', allowed])
      if (config.max_age !== null) headers.push(['Access-Control-Max-Age', String(config.max_age)])
      return headers
    }
    return ({ request: { method, headers }, toClient }) => {
      toClient.push(...allow(headers.origin))
      const asksFirst = method === 'OPTIONS' && headers.origin && headers['access-control-request-method']
      if (asksFirst && !config.preflight_continue) {
        return {
          status: 200,
          headers: preflight(headers['access-control-request-headers']),
          body: { text: '' },
        }
      }
      if (exposed) toClient.push(['Access-Control-Expose-Headers', exposed])
      return undefined
    }
  },
})
