import { decimal, flag, list, oneOf, optional, record, text } from '../entities/fields.ts'
import { definePlugin } from './plugin.ts'

const allMethods = ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT'] as const

const plainOrigin = /^[A-Za-z0-9.:/-]+$/

/** Kong takes an origin that looks like more than a URL for a regex; here it has to match the whole origin. */
function originMatcher(origins: string[]): (origin: string) => boolean {
  const plain = new Set(origins.filter((origin) => plainOrigin.test(origin)))
  const patterns = origins.filter((o) => !plainOrigin.test(o)).map((o) => new RegExp(`^(?:${o})$`))
  return (origin) => plain.has(origin) || patterns.some((pattern) => pattern.test(origin))
}

const origin = text().refine(
  (value) => {
    try {
      return value === '*' || new RegExp(value) !== undefined
    } catch {
      return false
    }
  },
  { error: (issue) => `'${issue.input}' is not a valid regex` },
)

export const cors = definePlugin({
  name: 'cors',
  priority: 2000,
  consumerAllowed: false,
  config: record({
    origins: optional(list(origin)),
    headers: optional(list(text())),
    exposed_headers: optional(list(text())),
    methods: optional(list(oneOf(...allMethods)), [...allMethods]),
    max_age: optional(decimal()),
    credentials: flag().default(false),
    private_network: flag().default(false),
    preflight_continue: flag().default(false),
  }).prefault({}),
  start(config) {
    const origins = config.origins ?? []
    const anyOrigin = origins.length === 0 || (origins.length === 1 && origins[0] === '*')
    const fixed = origins.length === 1 && plainOrigin.test(origins[0] ?? '') ? origins[0] : undefined
    const matches = originMatcher(origins.filter((entry) => entry !== '*'))

    const allow = (requestOrigin: string | undefined): string[] => {
      if (anyOrigin) {
        if (!config.credentials) return ['Access-Control-Allow-Origin', '*']
        return requestOrigin === undefined
          ? ['Access-Control-Allow-Origin', '*']
          : [
              'vary',
              'Origin',
              'Access-Control-Allow-Origin',
              requestOrigin,
              'Access-Control-Allow-Credentials',
              'true',
            ]
      }
      const allowed =
        fixed ?? (requestOrigin !== undefined && matches(requestOrigin) ? requestOrigin : undefined)
      return [
        'vary',
        'Origin',
        ...(allowed === undefined ? [] : ['Access-Control-Allow-Origin', allowed]),
        ...(config.credentials ? ['Access-Control-Allow-Credentials', 'true'] : []),
      ]
    }
    const preflightHeaders = (asked: string | undefined): string[] => {
      const headers = config.headers?.join(',') ?? asked
      return [
        ...(headers ? ['Access-Control-Allow-Headers', headers] : []),
        'Access-Control-Allow-Methods',
        (config.methods ?? []).join(','),
        ...(config.max_age === null ? [] : ['Access-Control-Max-Age', String(config.max_age)]),
        ...(config.private_network ? ['Access-Control-Allow-Private-Network', 'true'] : []),
      ]
    }
    const exposed = config.exposed_headers?.join(',')

    return ({ request, toClient }) => {
      const { headers, method } = request
      toClient.push(...allow(headers.origin))
      const asked = headers['access-control-request-method']
      if (method === 'OPTIONS' && headers.origin && asked && !config.preflight_continue) {
        const preflight = preflightHeaders(headers['access-control-request-headers'])
        return { status: 200, headers: preflight, body: '' }
      }
      if (exposed) toClient.push('Access-Control-Expose-Headers', exposed)
      return undefined
    }
  },
})
