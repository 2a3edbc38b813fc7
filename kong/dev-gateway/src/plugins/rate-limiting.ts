import { z } from 'zod'
import { flag, integer, oneOf, optional, positive, record, text } from '../entities/fields.ts'
import type { Fields } from '../entities/violations.ts'
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

const redis = record({
  host: optional(text()),
  port: optional(integer(0, 65_535), 6379),
  timeout: optional(integer(), 2000),
  username: optional(text()),
  password: optional(text()),
  database: optional(integer(), 0),
  ssl: optional(flag(), false),
  ssl_verify: optional(flag(), false),
  server_name: optional(text()),
})

const Config = record({
  ...(Object.fromEntries(periods.map((p) => [p, optional(positive())])) as Record<
    Period,
    z.ZodDefault<z.ZodNullable<z.ZodNumber>>
  >),
  limit_by: oneOf('consumer', 'credential', 'ip', 'service', 'header', 'path', 'consumer-group').default(
    'consumer',
  ),
  header_name: optional(text()),
  path: optional(text()),
  policy: oneOf('local', 'cluster', 'redis').default('local'),
  fault_tolerant: flag().default(true),
  hide_client_headers: flag().default(false),
  error_code: optional(integer(100, 999), 429),
  error_message: optional(text(), 'API rate limit exceeded'),
  sync_rate: z.number({ error: 'expected a number' }).default(-1),
  redis: redis.prefault({}),
})
type Config = z.output<typeof Config>

/** Kong's flat `redis_*` fields, older than `redis`, are still taken (and shown). */
function foldRedis(config: unknown): unknown {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) return config
  const entries = Object.entries(config)
  const flat = entries.filter(([field]) => field.startsWith('redis_'))
  if (flat.length === 0) return config
  const rest = Object.fromEntries(entries.filter(([field]) => !field.startsWith('redis_')))
  const redis = Object.fromEntries(flat.map(([field, value]) => [field.slice('redis_'.length), value]))
  return { ...rest, redis: { ...redis, ...(rest.redis as object | undefined) } }
}

/** Windows are aligned to the clock in UTC, so every counter of one period starts over at once. */
function windowStart(period: Period, now: number): number {
  const date = new Date(now)
  if (period === 'month') return Date.UTC(date.getUTCFullYear(), date.getUTCMonth())
  if (period === 'year') return Date.UTC(date.getUTCFullYear(), 0)
  const length = windowSeconds[period] * 1000
  return Math.floor(now / length) * length
}

function rules(config: Record<string, unknown>, updating: boolean): Fields {
  const conditional = (given: string, missing: Fields): Fields => ({
    '@entity': [`failed conditional validation given value of field 'config.${given}'`],
    config: missing,
  })
  const needed = 'required field missing'
  if (config.limit_by === 'header' && !config.header_name)
    return conditional('limit_by', { header_name: needed })
  if (config.limit_by === 'path' && !config.path) return conditional('limit_by', { path: needed })
  const redisHost = (config.redis as { host?: unknown } | null | undefined)?.host
  if (config.policy === 'redis' && !redisHost) return conditional('policy', { redis: { host: needed } })
  const limits = periods.flatMap((period) =>
    typeof config[period] === 'number' ? [{ period, limit: config[period] as number }] : [],
  )
  if (periods.every((period) => config[period] === undefined || config[period] === null)) {
    const names = periods.map((period) => `'config.${period}'`).join(', ')
    const when = updating ? 'when updating, ' : ''
    return { '@entity': [`${when}at least one of these fields must be non-empty: ${names}`] }
  }
  for (const [index, larger] of limits.entries()) {
    const smaller = limits[index - 1]
    if (!smaller || larger.limit >= smaller.limit) continue
    const said = (l: { period: string; limit: number }) => `${l.period}(${l.limit.toFixed(1)})`
    return { config: `The limit for ${said(larger)} cannot be lower than the limit for ${said(smaller)}` }
  }
  return {}
}

function identifierOf(config: Config, exchange: Exchange): string {
  if (config.limit_by === 'service' && exchange.service) return exchange.service.id
  if (config.limit_by === 'header') {
    const value = exchange.request.headers[config.header_name?.toLowerCase() ?? '']
    if (value !== undefined) return String(value)
  }
  if (config.limit_by === 'path' && exchange.path === config.path) return exchange.path
  return exchange.clientIp
}

interface Counter {
  period: Period
  limit: number
  start: number
  used: Map<string, number>
}

function headersOf(usage: { counter: Counter; remaining: number }[], now: number) {
  const headers: string[] = []
  let tightest: { limit: number; remaining: number; window: number; reset: number } | undefined
  for (const { counter, remaining } of usage) {
    const window = windowSeconds[counter.period]
    const label = counter.period[0]?.toUpperCase() + counter.period.slice(1)
    headers.push(`X-RateLimit-Limit-${label}`, String(counter.limit))
    headers.push(`X-RateLimit-Remaining-${label}`, String(remaining))
    const tighter =
      !tightest ||
      remaining < tightest.remaining ||
      (remaining === tightest.remaining && window > tightest.window)
    if (tighter) {
      const reset = Math.max(1, window - Math.floor((now - counter.start) / 1000))
      tightest = { limit: counter.limit, remaining, window, reset }
    }
  }
  const reset = tightest?.reset ?? 1
  headers.push('RateLimit-Limit', String(tightest?.limit), 'RateLimit-Remaining', String(tightest?.remaining))
  headers.push('RateLimit-Reset', String(reset))
  return { headers, reset }
}

export const rateLimiting = definePlugin({
  name: 'rate-limiting',
  priority: 910,
  consumerAllowed: true,
  config: z.preprocess(foldRedis, Config),
  rules,
  // Kong still shows the flat fields that `redis` replaced.
  render: (config) => ({
    ...config,
    ...Object.fromEntries(Object.entries(config.redis).map(([field, value]) => [`redis_${field}`, value])),
  }),
  start(config, _plugin, clock) {
    const counters: Counter[] = periods.flatMap((period) => {
      const limit = config[period]
      return limit === null ? [] : [{ period, limit, start: 0, used: new Map() }]
    })
    return (exchange) => {
      const identifier = identifierOf(config, exchange)
      const now = clock.now()
      let exceeded: Counter | undefined
      for (const counter of counters) {
        const start = windowStart(counter.period, now)
        if (start !== counter.start) {
          counter.start = start
          counter.used.clear()
        }
        if ((counter.used.get(identifier) ?? 0) >= counter.limit) exceeded = counter
      }
      const usage = counters.map((counter) => {
        const used = counter.used.get(identifier) ?? 0
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
        error: config.error_message ?? 'API rate limit exceeded',
        headers: config.hide_client_headers ? [] : ['Retry-After', String(reset)],
      }
    }
  },
})
