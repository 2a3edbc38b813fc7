import { isUuid } from '../entities/fields.ts'
import { type Entity, type KindName, kindByName, kindNames } from '../entities/kinds.ts'

export type Snapshot = { [K in KindName]: Entity[] }

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

export function createStore(initial?: Partial<Snapshot>): Store {
  const entities = Object.fromEntries(
    kindNames.map((kind) => [kind, new Map((initial?.[kind] ?? []).map((entity) => [entity.id, entity]))]),
  ) as Record<KindName, Map<string, Entity>>
  const sorted = new Map<KindName, Entity[]>()
  let version = 0

  const changed = (kind: KindName) => {
    sorted.delete(kind)
    version += 1
  }
  const list = (kind: KindName): Entity[] => {
    const known = sorted.get(kind)
    if (known) return known
    const all = [...entities[kind].values()].sort((a, b) => (a.id < b.id ? -1 : 1))
    sorted.set(kind, all)
    return all
  }

  return {
    get: (kind, id) => entities[kind].get(id),
    find(kind, key) {
      if (isUuid(key)) return entities[kind].get(key.toLowerCase())
      const { nameField } = kindByName[kind]
      for (const entity of entities[kind].values()) if (entity[nameField] === key) return entity
      return undefined
    },
    list,
    put(kind, entity) {
      entities[kind].set(entity.id, entity)
      changed(kind)
    },
    remove(kind, id) {
      if (entities[kind].delete(id)) changed(kind)
    },
    snapshot: () => Object.fromEntries(kindNames.map((kind) => [kind, list(kind)])) as Snapshot,
    get version() {
      return version
    },
  }
}
