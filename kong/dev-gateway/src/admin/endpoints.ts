import { isUuid } from '../entities/fields.ts'
import { type Entity, type Kind, type KindName, kindByName } from '../entities/kinds.ts'
import type { Store } from '../store/store.ts'
import { methodNotAllowed, notFound, nothingToUpdate } from './admin-error.ts'
import { pageOf } from './list-entities.ts'
import { createEntity, deleteEntity, patchEntity, putEntity } from './write-entity.ts'

export interface Reply {
  status: number
  body?: object
}

export interface AdminRequest {
  method: string
  path: string
  query: URLSearchParams
  body(): Promise<Record<string, unknown>>
}

type Endpoint = Partial<Record<string, () => Reply | Promise<Reply>>>

interface Scope {
  store: Store
  kind: Kind
  request: AdminRequest
  /** Of a nested path: the field that points back, and what it points to. */
  parent?: { field: string; entity: Entity }
}

const belongs = (entity: Entity, parent: Scope['parent']) =>
  !parent || (entity[parent.field] as { id: string } | null)?.id === parent.entity.id

async function bodyOf({ request, parent }: Scope): Promise<Record<string, unknown>> {
  const given = await request.body()
  return parent ? { ...given, [parent.field]: { id: parent.entity.id } } : given
}

function collection(scope: Scope): Endpoint {
  const { store, kind, request, parent } = scope
  return {
    GET: () => {
      const entities = store.list(kind.name).filter((entity) => belongs(entity, parent))
      return { status: 200, body: pageOf(entities, request.path, request.query, parent !== undefined) }
    },
    POST: async () => ({ status: 201, body: createEntity(kind, await bodyOf(scope), store) }),
  }
}

function single(scope: Scope, key: string): Endpoint {
  const { store, kind, request, parent } = scope
  // Looked up when it is needed, and again after the body arrived: another request may have changed it.
  const find = () => {
    const entity = store.find(kind.name, key)
    return entity && belongs(entity, parent) ? entity : undefined
  }
  return {
    GET: () => {
      const entity = find()
      if (!entity) throw notFound()
      return { status: 200, body: entity }
    },
    PUT: async () => ({ status: 200, body: putEntity(kind, key, await bodyOf(scope), store) }),
    PATCH: async () => {
      const changes = await request.body()
      const entity = find()
      if (entity) return { status: 200, body: patchEntity(kind, entity, changes, store) }
      // Kong names what it did not find, except for plugins and in nested paths.
      if (parent || kind.name === 'plugins') throw notFound()
      throw nothingToUpdate(isUuid(key) ? { id: key } : { [kind.nameField]: key })
    },
    DELETE: () => {
      const entity = find()
      if (entity) deleteEntity(kind, entity, store)
      else if (parent) throw notFound()
      return { status: 204 }
    },
  }
}

function endpointAt(segments: string[], request: AdminRequest, store: Store): Endpoint {
  const [root = '', key, child, childKey, ...more] = segments
  if (!Object.hasOwn(kindByName, root) || root === 'targets' || more.length > 0) throw notFound()
  const kind = kindByName[root as KindName]
  const scope = { store, kind, request }
  if (key === undefined) return collection(scope)
  if (child === undefined) return single(scope, key)
  const entity = store.find(kind.name, key)
  if (!entity || !Object.hasOwn(kind.children, child)) throw notFound()
  const name = child as KindName
  const parent = { field: kind.children[name]?.field ?? '', entity }
  const nested = { store, kind: kindByName[name], request, parent }
  return childKey === undefined ? collection(nested) : single(nested, childKey)
}

/** What the Admin API answers, apart from the node's own pages. */
export async function answerEntityRequest(asked: AdminRequest, store: Store): Promise<Reply> {
  const request = { ...asked, path: asked.path.replace(/\/$/, '') }
  const segments = request.path.split('/').slice(1)
  let names: string[]
  try {
    names = segments.map(decodeURIComponent)
  } catch {
    throw notFound()
  }
  if (names.includes('')) throw notFound()
  const endpoint = endpointAt(names, request, store)
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const answer = Object.hasOwn(endpoint, method) ? endpoint[method] : undefined
  if (!answer) throw methodNotAllowed()
  return answer()
}
