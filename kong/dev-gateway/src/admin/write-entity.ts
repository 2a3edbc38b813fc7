import { randomUUID } from 'node:crypto'
import { isUuid } from '../entities/fields.ts'
import {
  dependants,
  type Entity,
  type Kind,
  type KindName,
  kindByName,
  kindNames,
} from '../entities/kinds.ts'
import { type Fields, fieldsOf } from '../entities/violations.ts'
import type { Store } from '../store/store.ts'
import {
  duplicate,
  duplicateId,
  missingReference,
  stillReferenced,
  unresolvedName,
  violated,
} from './admin-error.ts'

type Draft = Record<string, unknown>

const isKind = (name: string): name is KindName => (kindNames as readonly string[]).includes(name)
const isRecord = (value: unknown): value is Draft =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `{"name": …}` stands for the id of what it names. */
function resolveReferences(kind: Kind, draft: Draft, store: Store): void {
  for (const [field, target] of Object.entries(kind.foreign)) {
    const value = draft[field]
    if (!isRecord(value) || value.id !== undefined || !isKind(target)) continue
    const { nameField } = kindByName[target]
    const name = value[nameField]
    if (typeof name !== 'string') continue
    const found = store.list(target).find((entity) => entity[nameField] === name)
    if (!found) throw unresolvedName(field, nameField, name, target)
    draft[field] = { id: found.id }
  }
}

function merge(schemaFaults: Fields, ruleFaults: Fields): Fields {
  const merged: Fields = { ...ruleFaults }
  for (const [field, fault] of Object.entries(schemaFaults)) {
    const rule = merged[field]
    merged[field] = isRecord(rule) && isRecord(fault) ? { ...rule, ...fault } : fault
  }
  return merged
}

function validate(kind: Kind, draft: Draft, updating: boolean): Entity {
  // Kong's shorthand is the one unknown field with a message of its own.
  if (kind.name === 'services' && draft.url !== undefined) throw violated({ url: 'expected a string' })
  const parsed = kind.schemaFor(draft).safeParse(draft)
  const schemaFaults = parsed.success ? {} : fieldsOf(parsed.error.issues)
  const unnamed = kind.name === 'plugins' && (draft.name === undefined || 'name' in schemaFaults)
  const faults = unnamed ? schemaFaults : merge(schemaFaults, kind.rules(draft, updating))
  if (!parsed.success || Object.keys(faults).length > 0) throw violated(faults)
  return parsed.data as Entity
}

function checkReferences(kind: Kind, entity: Entity, store: Store): void {
  for (const [field, target] of Object.entries(kind.foreign)) {
    const reference = entity[field] as { id: string } | null
    if (reference && !(isKind(target) && store.get(target, reference.id))) {
      throw missingReference(field, reference.id, target)
    }
  }
}

function checkUnique(kind: Kind, entity: Entity, store: Store): void {
  const identity = (value: unknown) => (isRecord(value) ? value.id : (value ?? null))
  for (const fields of kind.unique) {
    if (fields.length === 1 && entity[fields[0] ?? ''] === null) continue
    const clash = store
      .list(kind.name)
      .some(
        (other) => other.id !== entity.id && fields.every((f) => identity(other[f]) === identity(entity[f])),
      )
    if (clash) throw duplicate(Object.fromEntries(fields.map((field) => [field, entity[field] ?? null])))
  }
}

const nowSeconds = () => Math.floor(Date.now() / 1000)

function save(kind: Kind, draft: Draft, store: Store, updating: boolean): Entity {
  resolveReferences(kind, draft, store)
  const entity = validate(kind, draft, updating)
  checkReferences(kind, entity, store)
  checkUnique(kind, entity, store)
  store.put(kind.name, entity)
  return entity
}

export function createEntity(kind: Kind, body: Draft, store: Store): Entity {
  const now = nowSeconds()
  const draft = { created_at: now, updated_at: now, ...kind.expand(body), id: body.id ?? randomUUID() }
  if (typeof draft.id === 'string') draft.id = draft.id.toLowerCase()
  if (store.get(kind.name, String(draft.id))) throw duplicateId(String(draft.id))
  return save(kind, draft, store, false)
}

/** Creates or replaces; what the path says wins over the body. */
export function putEntity(kind: Kind, key: string, body: Draft, store: Store): Entity {
  const existing = store.find(kind.name, key)
  const now = nowSeconds()
  const named = isUuid(key) ? { id: key.toLowerCase() } : { [kind.nameField]: key }
  const draft = { ...kind.expand(body), ...named, created_at: existing?.created_at ?? now, updated_at: now }
  return save(kind, { ...draft, id: existing?.id ?? ('id' in draft ? draft.id : randomUUID()) }, store, false)
}

/** Replaces the given fields; `config` of a plugin is merged in depth, as in Kong. */
export function patchEntity(kind: Kind, existing: Entity, body: Draft, store: Store): Entity {
  const changes = kind.expand(body)
  const draft: Draft = { ...existing, updated_at: nowSeconds(), ...changes, id: existing.id }
  if (isRecord(changes.config) && isRecord(existing.config)) {
    draft.config = mergeDeep(existing.config, changes.config)
  }
  return save(kind, draft, store, true)
}

// fromEntries defines properties, so a `__proto__` in the body stays an (unknown) field.
function mergeDeep(base: Draft, changes: Draft): Draft {
  const merged = Object.entries(changes).map(([field, value]) => {
    const before = base[field]
    return [field, isRecord(before) && isRecord(value) ? mergeDeep(before, value) : value] as const
  })
  return { ...base, ...Object.fromEntries(merged) }
}

export function deleteEntity(kind: Kind, entity: Entity, store: Store): void {
  const pointing = dependants[kind.name].map(({ kind: by, field, blocks }) => {
    const found = store.list(by).filter((other) => (other[field] as { id: string } | null)?.id === entity.id)
    if (blocks && found.length > 0) throw stillReferenced(kind.name, by)
    return { by, found }
  })
  for (const { by, found } of pointing) for (const other of found) store.remove(by, other.id)
  store.remove(kind.name, entity.id)
}
