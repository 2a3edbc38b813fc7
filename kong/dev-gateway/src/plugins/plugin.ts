import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { identity, name, optional, reference, set, text } from '../entities/fields.ts'
import type { Service } from '../entities/service.ts'
import type { Answer, Headers } from '../proxy/answers.ts'

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
export interface Exchange {
  request: IncomingMessage
  /** As the client sent it, without the query. */
  path: string
  clientIp: string
  service: Service | undefined
  /** What plugins add. */
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

export interface PluginType {
  name: string
  priority: number
  schema: z.ZodType
  start(plugin: Plugin, clock: Clock): Access
}

export function definePlugin<Config extends z.ZodType>(definition: Definition<Config>): PluginType {
  const { name, priority, config, check, start } = definition
  return {
    name,
    priority,
    schema: Plugin.extend({ config }).superRefine((plugin, context) =>
      check?.((plugin as Plugin).config as z.output<Config>, (path, message) =>
        context.addIssue({ code: 'custom', path, message }),
      ),
    ),
    start: (plugin, clock) => start(plugin.config as z.output<Config>, clock),
  }
}
