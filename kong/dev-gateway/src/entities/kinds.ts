import type { z } from 'zod'
import { pluginTypeByName } from '../plugins/index.ts'
import { Plugin } from '../plugins/plugin.ts'
import { Consumer, consumerRules } from './consumer.ts'
import { Route, routeRules } from './route.ts'
import { expandServiceUrl, Service, serviceRules } from './service.ts'
import { expandTarget, Target, Upstream } from './upstream.ts'
import type { Fields } from './violations.ts'

export const kindNames = ['services', 'routes', 'plugins', 'consumers', 'upstreams', 'targets'] as const
export type KindName = (typeof kindNames)[number]

/** An entity as Kong's Admin API shows it: snake_case, validated by the schema of its kind. */
export interface Entity {
  id: string
  created_at: number
  updated_at: number
  tags: string[] | null
  [field: string]: unknown
}

export interface Kind {
  name: KindName
  schemaFor(entity: Record<string, unknown>): z.ZodType
  rules(entity: Record<string, unknown>, updating: boolean): Fields
  /** Kong's shorthands, turned into fields. */
  expand(body: Record<string, unknown>): Record<string, unknown>
  render(entity: Entity): object
  /** The field that may stand for the id in a path. */
  nameField: string
  /** Kong refuses odd characters in a name that comes from the path. */
  strictName: boolean
  unique: string[][]
  /** Field → kind it points to. `certificates` do not exist here, so pointing to one always fails. */
  foreign: Record<string, string>
  /** A PATCH of a missing one is answered with Kong's long body or the plain one. */
  plainNotFound: boolean
}

const plain = { expand: (body: Record<string, unknown>) => body, render: (entity: Entity) => entity }

function pluginRules(plugin: Record<string, unknown>, updating: boolean): Fields {
  const type = pluginTypeByName.get(String(plugin.name))
  if (!type) {
    return { name: `plugin '${plugin.name}' not enabled; add it to the 'plugins' configuration property` }
  }
  if (plugin.consumer && !type.consumerAllowed) return { consumer: 'value must be null' }
  const { config } = plugin
  const isRecord = typeof config === 'object' && config !== null && !Array.isArray(config)
  return config === undefined || isRecord
    ? type.rules((config ?? {}) as Record<string, unknown>, updating)
    : {}
}

const kinds: Kind[] = [
  {
    ...plain,
    name: 'services',
    schemaFor: () => Service,
    rules: serviceRules,
    expand: expandServiceUrl,
    nameField: 'name',
    strictName: true,
    unique: [['name']],
    foreign: { client_certificate: 'certificates' },
    plainNotFound: false,
  },
  {
    ...plain,
    name: 'routes',
    schemaFor: () => Route,
    rules: routeRules,
    nameField: 'name',
    strictName: true,
    unique: [['name']],
    foreign: { service: 'services' },
    plainNotFound: false,
  },
  {
    ...plain,
    name: 'plugins',
    schemaFor: (plugin) => pluginTypeByName.get(String(plugin.name))?.schema ?? Plugin,
    rules: pluginRules,
    render: (plugin) => ({
      ...plugin,
      config: pluginTypeByName.get(String(plugin.name))?.render(plugin.config) ?? plugin.config,
    }),
    nameField: 'instance_name',
    strictName: true,
    unique: [['instance_name'], ['consumer', 'name', 'route', 'service']],
    foreign: { route: 'routes', service: 'services', consumer: 'consumers' },
    plainNotFound: true,
  },
  {
    ...plain,
    name: 'consumers',
    schemaFor: () => Consumer,
    rules: consumerRules,
    nameField: 'username',
    strictName: false,
    unique: [['username'], ['custom_id']],
    foreign: {},
    plainNotFound: false,
  },
  {
    ...plain,
    name: 'upstreams',
    schemaFor: () => Upstream,
    rules: () => ({}),
    nameField: 'name',
    strictName: true,
    unique: [['name']],
    foreign: { client_certificate: 'certificates' },
    plainNotFound: false,
  },
  {
    ...plain,
    name: 'targets',
    schemaFor: () => Target,
    rules: () => ({}),
    expand: expandTarget,
    nameField: 'target',
    strictName: false,
    unique: [['target', 'upstream']],
    foreign: { upstream: 'upstreams' },
    plainNotFound: true,
  },
]

export const kindByName = Object.fromEntries(kinds.map((kind) => [kind.name, kind])) as Record<KindName, Kind>

/** Deleting the key takes these along; a route of a service is the one that blocks instead. */
export const dependants: Record<KindName, { kind: KindName; field: string; blocks?: boolean }[]> = {
  services: [
    { kind: 'routes', field: 'service', blocks: true },
    { kind: 'plugins', field: 'service' },
  ],
  routes: [{ kind: 'plugins', field: 'route' }],
  plugins: [],
  consumers: [{ kind: 'plugins', field: 'consumer' }],
  upstreams: [{ kind: 'targets', field: 'upstream' }],
  targets: [],
}
