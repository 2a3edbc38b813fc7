import { z } from 'zod'
import { flag, identity, integer, list, name, oneOf, optional, record, reference, text } from './fields.ts'

const hashing = oneOf('none', 'consumer', 'ip', 'header', 'cookie', 'path', 'query_arg', 'uri_capture')
const statuses = (...fallback: number[]) => optional(list(integer(100, 999)), fallback)
const count = (fallback: number) => optional(integer(0, 255), fallback)

/** Stored so that clients may set them; the dev gateway runs no health checks. */
const healthchecks = record({
  threshold: optional(integer(0, 100), 0),
  active: record({
    type: optional(text(), 'http'),
    timeout: optional(integer(0, 65_535), 1),
    concurrency: optional(integer(1), 10),
    http_path: optional(text(), '/'),
    https_sni: optional(text()),
    https_verify_certificate: flag().default(true),
    headers: optional(z.record(z.string(), z.array(z.string()))),
    healthy: record({
      interval: count(0),
      successes: count(0),
      http_statuses: statuses(200, 302),
    }).prefault({}),
    unhealthy: record({
      interval: count(0),
      tcp_failures: count(0),
      timeouts: count(0),
      http_failures: count(0),
      http_statuses: statuses(429, 404, 500, 501, 502, 503, 504, 505),
    }).prefault({}),
  }).prefault({}),
  passive: record({
    type: optional(text(), 'http'),
    healthy: record({
      successes: count(0),
      http_statuses: statuses(
        200,
        201,
        202,
        203,
        204,
        205,
        206,
        207,
        208,
        226,
        300,
        301,
        302,
        303,
        304,
        305,
        306,
        307,
        308,
      ),
    }).prefault({}),
    unhealthy: record({
      tcp_failures: count(0),
      timeouts: count(0),
      http_failures: count(0),
      http_statuses: statuses(429, 500, 503),
    }).prefault({}),
  }).prefault({}),
})

export const Upstream = record({
  ...identity,
  name: name(),
  algorithm: optional(
    oneOf('consistent-hashing', 'least-connections', 'round-robin', 'latency'),
    'round-robin',
  ),
  slots: optional(integer(10, 65_536), 10_000),
  host_header: optional(text()),
  hash_on: optional(hashing, 'none'),
  hash_fallback: optional(hashing, 'none'),
  hash_on_header: optional(text()),
  hash_on_cookie: optional(text()),
  hash_on_cookie_path: optional(text(), '/'),
  hash_on_query_arg: optional(text()),
  hash_on_uri_capture: optional(text()),
  hash_fallback_header: optional(text()),
  hash_fallback_query_arg: optional(text()),
  hash_fallback_uri_capture: optional(text()),
  use_srv_name: optional(flag(), false),
  client_certificate: optional(reference()),
  healthchecks: healthchecks.prefault({}),
})
export type Upstream = z.infer<typeof Upstream>

export const Target = record({
  ...identity,
  upstream: reference(),
  target: text().refine((value) => /^[A-Za-z0-9._-]+(:\d{1,5})?$|^\[[0-9a-f:.]+\](:\d{1,5})?$/i.test(value), {
    error: (issue) => `Invalid target ('${issue.input}'); not a valid hostname or ip address`,
  }),
  weight: optional(integer(0, 65_535), 100),
})
export type Target = z.infer<typeof Target>

const defaultTargetPort = 8000

export function expandTarget(body: Record<string, unknown>): Record<string, unknown> {
  const { target } = body
  if (typeof target !== 'string' || target === '' || /:\d+$/.test(target)) return body
  return { ...body, target: `${target}:${defaultTargetPort}` }
}
