import { z } from 'zod'
import { integer, optional, text } from '../entities/fields.ts'
import type { Headers } from '../proxy/answers.ts'
import { definePlugin, type Exchange } from './plugin.ts'

const periods = ['second', 'minute', 'hour', 'day', 'month', 'year'] as const
type Period = (typeof periods)[number]

const windowSeconds: Record<Period, number> = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  month: 2_592_000,
  year: 31_536_000,
}

const limit = () => optional(z.number().refine((value) => value > 0, 'value must be greater than 0'))

const Config = z.strictObject({
  second: limit(),
  minute: limit(),
  hour: limit(),
  day: limit(),
  month: limit(),
  year: limit(),
  // The unfulfillable ones count by address, as Kong does for a caller that it does not know.
  limit_by: z
    .enum(['consumer', 'credential', 'ip', 'service', 'header', 'path', 'consumer-group'])
    .default('consumer'),
  header_name: optional(text()),
  path: optional(text()),
  policy: z
    .enum(['local', 'cluster', 'redis'])
    .refine((policy) => policy !== 'redis', 'the dev gateway has no redis')
    .default('local'),
  fault_tolerant: z.boolean().default(true),
  hide_client_headers: z.boolean().default(false),
  error_code: optional(integer(100, 999), 429),
  error_message: optional(text(), 'API rate limit exceeded'),
})
type Config = z.output<typeof Config>

const limitsOf = (config: Config) =>
  periods.flatMap((period) => {
    const limit = config[period]
    return limit === null ? [] : [{ period, limit }]
  })

function check(config: Config, complain: (path: PropertyKey[], message: string) => void): void {
  const { limit_by } = config
  const needed = limit_by === 'header' ? 'header_name' : limit_by === 'path' ? 'path' : undefined
  if (needed && config[needed] === null) {
    complain(['@entity', 0], "failed conditional validation given value of field 'config.limit_by'")
    complain(['config', needed], 'required field missing')
    return
  }
  const limits = limitsOf(config)
  if (limits.length === 0) {
    const names = periods.map((period) => `'config.${period}'`).join(', ')
    complain(['@entity', 0], `at least one of these fields must be non-empty: ${names}`)
  }
  const wrong = limits.findIndex(({ limit }, index) => limit < (limits[index - 1]?.limit ?? 0))
  if (wrong === -1) return
  const said = limits.map(({ period, limit }) => `${period}(${limit.toFixed(1)})`)
  complain(['config'], `The limit for ${said[wrong]} cannot be lower than the limit for ${said[wrong - 1]}`)
}

/** Windows are aligned to the clock in UTC, so every counter of one period starts over at once. */
function windowStart(period: Period, now: number): number {
  const date = new Date(now)
  if (period === 'month') return Date.UTC(date.getUTCFullYear(), date.getUTCMonth())
  if (period === 'year') return Date.UTC(date.getUTCFullYear(), 0)
  const length = windowSeconds[period] * 1000
  return Math.floor(now / length) * length
}

function identifierOf({ limit_by, header_name, path }: Config, exchange: Exchange): string {
  const { request, service, clientIp } = exchange
  if (limit_by === 'service' && service) return service.id
  if (limit_by === 'path' && exchange.path === path) return exchange.path
  const header = limit_by === 'header' ? request.headers[header_name?.toLowerCase() ?? ''] : undefined
  return header === undefined ? clientIp : String(header)
}

interface Counter {
  period: Period
  limit: number
  start: number
  used: Map<string, number>
}

const capitalised = (word: string) => word.charAt(0).toUpperCase() + word.slice(1)

/** A pair of headers per period, and the standard ones about the limit that ends first. */
function headersOf(usage: { counter: Counter; remaining: number }[], now: number) {
  const headers = usage.flatMap(
    ({ counter: { period, limit }, remaining }): Headers => [
      [`X-RateLimit-Limit-${capitalised(period)}`, String(limit)],
      [`X-RateLimit-Remaining-${capitalised(period)}`, String(remaining)],
    ],
  )
  // Counters go from the shortest period up, and of equals Kong tells about the longest.
  const { counter, remaining } = usage.reduce((a, b) => (b.remaining <= a.remaining ? b : a))
  const reset = Math.max(1, windowSeconds[counter.period] - Math.floor((now - counter.start) / 1000))
  headers.push(['RateLimit-Limit', String(counter.limit)], ['RateLimit-Remaining', String(remaining)])
  headers.push(['RateLimit-Reset', String(reset)])
  return { headers, reset }
}

export const rateLimiting = definePlugin({
  name: 'rate-limiting',
  priority: 910,
  config: Config.prefault({}),
  check,
  start(config, clock) {
    const counters = limitsOf(config).map((limit): Counter => ({ ...limit, start: 0, used: new Map() }))
    return (exchange) => {
      const identifier = identifierOf(config, exchange)
      const now = clock.now()
      for (const counter of counters) {
        const start = windowStart(counter.period, now)
        if (start !== counter.start) counter.used.clear()
        counter.start = start
      }
      const usedOf = ({ used }: Counter) => used.get(identifier) ?? 0
      const exceeded = counters.findLast((counter) => usedOf(counter) >= counter.limit)
      const usage = counters.map((counter) => {
        const used = usedOf(counter)
        if (!exceeded) counter.used.set(identifier, used + 1)
        // A refused request counts against the limit that refused it only in what is shown, as in Kong.
        const shown = !exceeded || exceeded === counter ? used + 1 : used
        return { counter, remaining: Math.max(0, counter.limit - shown) }
      })
      const { headers, reset } = headersOf(usage, now)
      if (!config.hide_client_headers) exchange.toClient.push(...headers)
      if (!exceeded) return undefined
      return {
        status: config.error_code ?? 429,
        body: config.error_message ?? 'API rate limit exceeded',
        headers: config.hide_client_headers ? [] : [['Retry-After', String(reset)]],
      }
    }
  },
})
