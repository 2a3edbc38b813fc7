import { z } from 'zod'
import { pluginTypeByName } from '../plugins/index.ts'
import { identity, optional, text } from './fields.ts'
import { Route } from './route.ts'
import { expandServiceUrl, Service } from './service.ts'
import { expandTarget, Target, Upstream } from './upstream.ts'

export type KindName = 'services' | 'routes' | 'plugins' | 'consumers' | 'upstreams' | 'targets'

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
  /** Kong's shorthands, turned into fields. */
  expand?(body: Record<string, unknown>): Record<string, unknown>
  /** The field that may stand for the id in a path. */
  nameField: string
  unique: string[][]
  /** Field → kind it points to. */
  foreign: Record<string, KindName>
  /** What may be listed and created under it: kind → the field that points back. Deleted with it, if not `blocks`. */
  children: Partial<Record<KindName, { field: string; blocks?: true }>>
}

const Consumer = z
  .strictObject({ ...identity, username: optional(text()), custom_id: optional(text()) })
  .superRefine(({ username, custom_id }, context) => {
    if (username !== null || custom_id !== null) return
    const message = "at least one of these fields must be non-empty: 'custom_id', 'username'"
    context.addIssue({ code: 'custom', path: ['@entity', 0], message })
  })

const UnknownPlugin = z.looseObject({
  name: text().refine(() => false, {
    error: ({ input }) => `plugin '${input}' not enabled; add it to the 'plugins' configuration property`,
  }),
})

const kinds: Kind[] = [
  {
    name: 'services',
    schemaFor: () => Service,
    expand: expandServiceUrl,
    nameField: 'name',
    unique: [['name']],
    foreign: {},
    children: { routes: { field: 'service', blocks: true }, plugins: { field: 'service' } },
  },
  {
    name: 'routes',
    schemaFor: () => Route,
    nameField: 'name',
    unique: [['name']],
    foreign: { service: 'services' },
    children: { plugins: { field: 'route' } },
  },
  {
    name: 'plugins',
    schemaFor: ({ name }) => pluginTypeByName.get(String(name))?.schema ?? UnknownPlugin,
    nameField: 'instance_name',
    unique: [['instance_name'], ['consumer', 'name', 'route', 'service']],
    foreign: { route: 'routes', service: 'services', consumer: 'consumers' },
    children: {},
  },
  {
    name: 'consumers',
    schemaFor: () => Consumer,
    nameField: 'username',
    unique: [['username'], ['custom_id']],
    foreign: {},
    children: { plugins: { field: 'consumer' } },
  },
  {
    name: 'upstreams',
    schemaFor: () => Upstream,
    nameField: 'name',
    unique: [['name']],
    foreign: {},
    children: { targets: { field: 'upstream' } },
  },
  {
    name: 'targets',
    schemaFor: () => Target,
    expand: expandTarget,
    nameField: 'target',
    unique: [['target', 'upstream']],
    foreign: { upstream: 'upstreams' },
    children: {},
  },
]

export const kindByName = Object.fromEntries(kinds.map((kind) => [kind.name, kind])) as Record<KindName, Kind>
export const kindNames = kinds.map(({ name }) => name)
