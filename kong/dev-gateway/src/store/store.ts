import { isUuid } from '../entities/fields.ts'
import { type Entity, type KindName, kindByName, kindNames } from '../entities/kinds.ts'

export type Snapshot = Record<KindName, Entity[]>

export function createStore(initial?: Snapshot) {
  const entities = Object.fromEntries(
    kindNames.map((kind) => [kind, new Map((initial?.[kind] ?? []).map((entity) => [entity.id, entity]))]),
  ) as Record<KindName, Map<string, Entity>>
  let version = 0
  /** All of a kind, ordered by id as Kong pages them. */
  const list = (kind: KindName) => [...entities[kind].values()].sort((a, b) => (a.id < b.id ? -1 : 1))

  return {
    get: (kind: KindName, id: string): Entity | undefined => entities[kind].get(id),
    /** By id, or by the field of the kind that may stand for it. */
    find(kind: KindName, key: string): Entity | undefined {
      if (isUuid(key)) return entities[kind].get(key.toLowerCase())
      const { nameField } = kindByName[kind]
      return [...entities[kind].values()].find((entity) => entity[nameField] === key)
    },
    list,
    /** Stored objects are never changed in place: a new version is a new object. */
    put(kind: KindName, entity: Entity) {
      entities[kind].set(entity.id, entity)
      version += 1
    },
    remove(kind: KindName, id: string) {
      entities[kind].delete(id)
      version += 1
    },
    snapshot: () => Object.fromEntries(kindNames.map((kind) => [kind, list(kind)])) as Snapshot,
    /** Grows with every change; who compiles something from the store compares it. */
    get version() {
      return version
    },
  }
}

export type Store = ReturnType<typeof createStore>
