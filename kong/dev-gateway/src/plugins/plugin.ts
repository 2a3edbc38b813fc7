import { z } from 'zod'
import { identity, name, optional, reference, set, text } from '../entities/fields.ts'
import type { Service } from '../entities/service.ts'
import type { Answer, Arrived, Headers } from '../proxy/answers.ts'
import type { ReadRequest } from '../proxy/read-request.ts'

const protocols = ['grpc', 'grpcs', 'http', 'https'] as const

const Plugin = z.strictObject({
  ...identity,
  name: text(),
  instance_name: optional(name()),
  route: optional(reference()),
  service: optional(reference()),
  consumer: optional(reference()),
  config: z.unknown(),
  protocols: set(z.enum(protocols)).default([...protocols]),
  enabled: z.boolean().default(true),
})
export type Plugin = z.infer<typeof Plugin>

/** One proxied request as plugins see it. */
export interface Exchange extends Arrived, ReadRequest {
  clientIp: string
  service: Service | undefined
  /** What plugins add; it replaces what the other side sent. */
  toUpstream: Headers
  toClient: Headers
  /** Set when a body without a declared length must be stopped on the way. */
  bodyBytesMax?: number
}

/** An answer instead of the upstream's, if any. */
export type Access = (exchange: Exchange) => Answer | undefined

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

interface Definition<Config extends z.ZodType> {
  name: string
  /** Kong's own number: higher runs first. */
  priority: number
  config: Config
  /** Rules between fields of a config that is right field by field. */
  check?(config: z.output<Config>, complain: (path: PropertyKey[], message: string) => void): void
  start(config: z.output<Config>, clock: Clock): Access
}

export function definePlugin<Config extends z.ZodType>(definition: Definition<Config>) {
  const { name, priority, config, check, start } = definition
  const configOf = (plugin: object) => (plugin as Plugin).config as z.output<Config>
  const schema: z.ZodType = Plugin.extend({ config }).superRefine((plugin, context) =>
    check?.(configOf(plugin), (path, message) => context.addIssue({ code: 'custom', path, message })),
  )
  return { name, priority, schema, start: (plugin: Plugin, clock: Clock) => start(configOf(plugin), clock) }
}

export type PluginType = ReturnType<typeof definePlugin>
