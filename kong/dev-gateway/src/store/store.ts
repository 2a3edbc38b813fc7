import { isUuid } from '../entities/fields.ts'
import { type Entity, type KindName, kindByName, kindNames } from '../entities/kinds.ts'

export type Snapshot = Record<KindName, Entity[]>

export interface Store {
  get(kind: KindName, id: string): Entity | undefined
  /** By id, or by the field of the kind that may stand for it. */
  find(kind: KindName, key: string): Entity | undefined
  /** All of a kind, ordered by id as Kong pages them. */
  list(kind: KindName): Entity[]
  /** Stored objects are never changed in place: a new version is a new object. */
  put(kind: KindName, entity: Entity): void
  remove(kind: KindName, id: string): void
  snapshot(): Snapshot
  /** Grows with every change; who compiles something from the store compares it. */
  readonly version: number
}

export function createStore(initial?: Snapshot): Store {
  const entities = Object.fromEntries(
    kindNames.map((kind) => [kind, new Map((initial?.[kind] ?? []).map((entity) => [entity.id, entity]))]),
  ) as Record<KindName, Map<string, Entity>>
  let version = 0
  const list = (kind: KindName) => [...entities[kind].values()].sort((a, b) => (a.id < b.id ? -1 : 1))

  return {
    get: (kind, id) => entities[kind].get(id),
    find(kind, key) {
      if (isUuid(key)) return entities[kind].get(key.toLowerCase())
      const { nameField } = kindByName[kind]
      return [...entities[kind].values()].find((entity) => entity[nameField] === key)
    },
    list,
    put(kind, entity) {
      entities[kind].set(entity.id, entity)
      version += 1
    },
    remove(kind, id) {
      entities[kind].delete(id)
      version += 1
    },
    snapshot: () => Object.fromEntries(kindNames.map((kind) => [kind, list(kind)])) as Snapshot,
    get version() {
      return version
    },
  }
}
