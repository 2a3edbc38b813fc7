import { z } from 'zod'
import { checked, identity, integer, name, optional, reference, text } from './fields.ts'

export const Upstream = z.strictObject({
  ...identity,
  name: name(),
  algorithm: optional(z.literal('round-robin'), 'round-robin'),
  slots: optional(integer(10, 65_536), 10_000),
  host_header: optional(text()),
})
export type Upstream = z.infer<typeof Upstream>

const target = checked((value) =>
  /^[A-Za-z0-9._-]+:\d{1,5}$|^\[[0-9a-f:.]+\]:\d{1,5}$/i.test(value)
    ? undefined
    : `Invalid target ('${value}'); not a valid hostname or ip address`,
)

export const Target = z.strictObject({
  ...identity,
  upstream: reference(),
  target,
  weight: optional(integer(0, 65_535), 100),
})
export type Target = z.infer<typeof Target>

/** A target without a port is at Kong's own default. */
export function expandTarget(body: Record<string, unknown>): Record<string, unknown> {
  const { target } = body
  return typeof target !== 'string' || /:\d+$/.test(target) ? body : { ...body, target: `${target}:8000` }
}
