import { randomUUID } from 'node:crypto'
import { isUuid, kongWords } from '../entities/fields.ts'
import { type Entity, type Kind, type KindName, kindByName } from '../entities/kinds.ts'
import { schemaViolation } from '../entities/violations.ts'
import type { Store } from '../store/store.ts'
import * as refusals from './admin-error.ts'

type Draft = Record<string, unknown>

const isRecord = (value: unknown): value is Draft =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const idOf = (value: unknown) => (isRecord(value) ? value.id : undefined)

/** `{"name": …}` stands for the id of what it names. */
function resolveReferences(kind: Kind, draft: Draft, store: Store): void {
  for (const [field, target] of Object.entries(kind.foreign)) {
    const value = draft[field]
    if (!isRecord(value) || value.id !== undefined) continue
    const { nameField } = kindByName[target]
    const name = value[nameField]
    if (typeof name !== 'string') continue
    const found = store.list(target).find((entity) => entity[nameField] === name)
    if (!found) throw refusals.unresolvedName(field, nameField, name, target)
    draft[field] = { id: found.id }
  }
}

function validate(kind: Kind, draft: Draft): Entity {
  const parsed = kind.schemaFor(draft).safeParse(draft, { error: kongWords })
  if (!parsed.success) throw new refusals.AdminError(400, schemaViolation(parsed.error.issues))
  return parsed.data as Entity
}

function checkReferences(kind: Kind, entity: Entity, store: Store): void {
  for (const [field, target] of Object.entries(kind.foreign)) {
    const id = idOf(entity[field])
    if (id && !store.get(target, String(id))) throw refusals.missingReference(field, String(id), target)
  }
}

function checkUnique(kind: Kind, entity: Entity, store: Store): void {
  for (const fields of kind.unique) {
    if (fields.length === 1 && entity[fields[0] ?? ''] === null) continue
    const same = (other: Entity) =>
      fields.every((field) => (idOf(other[field]) ?? other[field]) === (idOf(entity[field]) ?? entity[field]))
    if (store.list(kind.name).some((other) => other.id !== entity.id && same(other))) {
      throw refusals.duplicate(Object.fromEntries(fields.map((field) => [field, entity[field]])))
    }
  }
}

function save(kind: Kind, draft: Draft, store: Store): Entity {
  resolveReferences(kind, draft, store)
  const entity = validate(kind, draft)
  checkReferences(kind, entity, store)
  checkUnique(kind, entity, store)
  store.put(kind.name, entity)
  return entity
}

const nowSeconds = () => Math.floor(Date.now() / 1000)
const expanded = (kind: Kind, body: Draft): Draft => kind.expand?.(body) ?? body

export function createEntity(kind: Kind, body: Draft, store: Store): Entity {
  const now = nowSeconds()
  const draft = { created_at: now, updated_at: now, ...expanded(kind, body), id: body.id ?? randomUUID() }
  const id = String(draft.id).toLowerCase()
  if (store.get(kind.name, id)) throw refusals.duplicateId(id)
  return save(kind, draft, store)
}

/** Creates or replaces; what the path says wins over the body. */
export function putEntity(kind: Kind, key: string, body: Draft, store: Store): Entity {
  const existing = store.find(kind.name, key)
  const now = nowSeconds()
  const named = isUuid(key) ? { id: key.toLowerCase() } : { [kind.nameField]: key }
  const draft: Draft = {
    ...expanded(kind, body),
    created_at: existing?.created_at ?? now,
    updated_at: now,
    ...named,
  }
  draft.id = existing?.id ?? draft.id ?? randomUUID()
  return save(kind, draft, store)
}

/** Replaces the given fields; `config` of a plugin is merged, as in Kong. */
export function patchEntity(kind: Kind, existing: Entity, body: Draft, store: Store): Entity {
  const changes = expanded(kind, body)
  const draft: Draft = { ...existing, updated_at: nowSeconds(), ...changes, id: existing.id }
  if (isRecord(changes.config)) draft.config = { ...(existing.config as Draft), ...changes.config }
  return save(kind, draft, store)
}

export function deleteEntity(kind: Kind, entity: Entity, store: Store): void {
  const children = Object.entries(kind.children).map(([name, { field, blocks }]) => {
    const by = name as KindName
    const found = store.list(by).filter((other) => idOf(other[field]) === entity.id)
    if (blocks && found.length > 0) throw refusals.stillReferenced(kind.name, by)
    return { by, found }
  })
  for (const { by, found } of children) for (const other of found) store.remove(by, other.id)
  store.remove(kind.name, entity.id)
}
