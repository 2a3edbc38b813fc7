import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { flag, identity, name, oneOf, optional, record, reference, set, text } from '../entities/fields.ts'
import type { Service } from '../entities/service.ts'
import type { Fields } from '../entities/violations.ts'

const protocol = oneOf('grpc', 'grpcs', 'http', 'https')

export const Plugin = record({
  ...identity,
  name: text(),
  instance_name: optional(name()),
  route: optional(reference()),
  service: optional(reference()),
  consumer: optional(reference()),
  config: z.unknown().optional(),
  protocols: set(protocol).default(['grpc', 'grpcs', 'http', 'https']),
  enabled: flag().default(true),
})
export type Plugin = z.infer<typeof Plugin>

/** One proxied request as plugins see it. Header lists are flat: name, value, name, value. */
export interface Exchange {
  request: IncomingMessage
  requestId: string
  /** As the client sent it, without the query. */
  path: string
  query: string
  clientIp: string
  service: Service | undefined
  toUpstream: string[]
  toClient: string[]
  /** Set when a body without a declared length must be stopped on the way. */
  bodyBytesMax: number | undefined
}

/** What a plugin answers instead of the upstream. `error` follows the Accept header, `json` and `body` do not. */
export type Answer = { status: number; headers?: string[] } & (
  | { error: string }
  | { json: object }
  | { body: string; contentType?: string }
)

export type Access = (exchange: Exchange) => Answer | undefined

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

interface Definition<S extends z.ZodType> {
  name: string
  /** Kong's own number: higher runs first. */
  priority: number
  config: S
  consumerAllowed: boolean
  rules?(config: Record<string, unknown>, updating: boolean): Fields
  /** What the Admin API shows where that is more than what is stored. */
  render?(config: z.output<S>): object
  start(config: z.output<S>, plugin: Plugin, clock: Clock): Access
}

export interface PluginType {
  name: string
  priority: number
  schema: z.ZodType
  consumerAllowed: boolean
  rules(config: Record<string, unknown>, updating: boolean): Fields
  render(config: unknown): unknown
  start(plugin: Plugin, clock: Clock): Access
}

export function definePlugin<S extends z.ZodType>(definition: Definition<S>): PluginType {
  return {
    name: definition.name,
    priority: definition.priority,
    schema: Plugin.extend({ config: definition.config }),
    consumerAllowed: definition.consumerAllowed,
    rules: (config, updating) => definition.rules?.(config, updating) ?? {},
    render: (config) => definition.render?.(config as z.output<S>) ?? config,
    start: (plugin, clock) => definition.start(plugin.config as z.output<S>, plugin, clock),
  }
}
