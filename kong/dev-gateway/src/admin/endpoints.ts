import { isUuid, isValidName, nameWords } from '../entities/fields.ts'
import { type Entity, type Kind, type KindName, kindByName } from '../entities/kinds.ts'
import type { Store } from '../store/store.ts'
import { badPathName, methodNotAllowed, notFound, nothingToUpdate } from './admin-error.ts'
import { pageOf } from './list-entities.ts'
import { createEntity, deleteEntity, patchEntity, putEntity } from './write-entity.ts'

export interface Reply {
  status: number
  body?: object
}

type Body = () => Promise<Record<string, unknown>>
type Handler = (body: Body) => Reply | Promise<Reply>
type Endpoint = Partial<Record<'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', Handler>>

/** Parent → what may be listed and created under it, and the field that points back. */
const nested: Partial<Record<KindName, Partial<Record<string, { kind: KindName; field: string }>>>> = {
  services: { routes: { kind: 'routes', field: 'service' }, plugins: { kind: 'plugins', field: 'service' } },
  routes: { plugins: { kind: 'plugins', field: 'route' } },
  consumers: { plugins: { kind: 'plugins', field: 'consumer' } },
  upstreams: { targets: { kind: 'targets', field: 'upstream' } },
}
const roots = new Set<string>(['services', 'routes', 'plugins', 'consumers', 'upstreams'])

interface Scope {
  store: Store
  kind: Kind
  parent?: { field: string; entity: Entity }
}

const belongs = (entity: Entity, parent: Scope['parent']) =>
  !parent || (entity[parent.field] as { id: string } | null)?.id === parent.entity.id

function collection({ store, kind, parent }: Scope, path: string, query: URLSearchParams): Endpoint {
  return {
    GET: () => {
      const page = pageOf(
        store.list(kind.name).filter((entity) => belongs(entity, parent)),
        path,
        query,
        parent !== undefined,
      )
      return { status: 200, body: { ...page, data: page.data.map(kind.render) } }
    },
    POST: async (body) => {
      const given = await body()
      const scoped = parent ? { ...given, [parent.field]: { id: parent.entity.id } } : given
      return { status: 201, body: kind.render(createEntity(kind, scoped, store)) }
    },
  }
}

function single({ store, kind, parent }: Scope, key: string): Endpoint {
  // Looked up when it is needed, and again after the body arrived: another request may have changed it.
  const find = () => {
    const entity = store.find(kind.name, key)
    return entity && belongs(entity, parent) ? entity : undefined
  }
  return {
    GET: () => {
      const entity = find()
      if (!entity) throw notFound()
      return { status: 200, body: kind.render(entity) }
    },
    PUT: async (body) => {
      const given = await body()
      if (kind.strictName && !isUuid(key) && !isValidName(key)) {
        throw badPathName(`invalid value '${key}': ${nameWords}`)
      }
      const scoped = parent ? { ...given, [parent.field]: { id: parent.entity.id } } : given
      return { status: 200, body: kind.render(putEntity(kind, key, scoped, store)) }
    },
    PATCH: async (body) => {
      const given = await body()
      const entity = find()
      if (!entity && (kind.plainNotFound || parent)) throw notFound()
      if (!entity) throw nothingToUpdate(isUuid(key) ? { id: key } : { [kind.nameField]: key })
      return { status: 200, body: kind.render(patchEntity(kind, entity, given, store)) }
    },
    DELETE: () => {
      const entity = find()
      if (entity) deleteEntity(kind, entity, store)
      else if (parent) throw notFound()
      return { status: 204 }
    },
  }
}

/** The service a route points to, as an entity of its own. */
function serviceOf(store: Store, route: Entity): Endpoint {
  const reference = route.service as { id: string } | null
  if (!reference) throw notFound()
  const { DELETE: _unsupported, ...endpoint } = single({ store, kind: kindByName.services }, reference.id)
  return endpoint
}

function endpointAt(segments: string[], path: string, query: URLSearchParams, store: Store): Endpoint {
  const [root = '', key, child, childKey, ...more] = segments
  if (!roots.has(root) || more.length > 0) throw notFound()
  const kind = kindByName[root as KindName]
  if (key === undefined) return collection({ store, kind }, path, query)
  if (child === undefined) return single({ store, kind }, key)
  const entity = store.find(kind.name, key)
  const links = nested[kind.name] ?? {}
  const link = Object.hasOwn(links, child) ? links[child] : undefined
  if (!entity) throw notFound()
  if (root === 'routes' && child === 'service' && childKey === undefined) return serviceOf(store, entity)
  if (!link) throw notFound()
  const scope = { store, kind: kindByName[link.kind], parent: { field: link.field, entity } }
  return childKey === undefined ? collection(scope, path, query) : single(scope, childKey)
}

/** What the Admin API answers to `method path?query`, apart from the node's own pages. */
export async function answerEntityRequest(
  request: { method: string; path: string; query: URLSearchParams; body: Body },
  store: Store,
): Promise<Reply & { allow?: string }> {
  const path = request.path.replace(/\/$/, '')
  const segments = path.split('/').slice(1)
  if (segments.includes('')) throw notFound()
  let names: string[]
  try {
    names = segments.map(decodeURIComponent)
  } catch {
    throw notFound()
  }
  const endpoint = endpointAt(names, path, request.query, store)
  if (request.method === 'OPTIONS') {
    return { status: 204, allow: [...Object.keys(endpoint), 'HEAD', 'OPTIONS'].sort().join(', ') }
  }
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const handler = Object.hasOwn(endpoint, method) ? endpoint[method as keyof Endpoint] : undefined
  if (!handler) throw methodNotAllowed()
  return handler(request.body)
}
