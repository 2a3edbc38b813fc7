import type { z } from 'zod'

/** Kong's `fields`: a message per field, nested for records; arrays hold null where an item is right. */
export interface Fields {
  [field: string]: string | Fields | (string | null)[]
}

const hasOwn = Object.hasOwn

function place(fields: Fields, path: PropertyKey[], message: string): void {
  const [head, ...rest] = path
  const key = String(head)
  if (rest.length === 0) {
    if (!hasOwn(fields, key)) fields[key] = message
    return
  }
  if (typeof rest[0] === 'number') {
    const items = (hasOwn(fields, key) ? fields[key] : []) as (string | null)[]
    if (!Array.isArray(items)) return
    while (items.length < rest[0]) items.push(null)
    items[rest[0]] ??= message
    fields[key] = items
    return
  }
  if (!hasOwn(fields, key)) fields[key] = {}
  const nested = fields[key]
  if (typeof nested === 'object' && !Array.isArray(nested)) place(nested, rest, message)
}

/** One message per field, the first that zod found, as Kong stops at the first fault of a field. */
export function fieldsOf(issues: readonly z.core.$ZodIssue[]): Fields {
  const fields: Fields = Object.create(null)
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) place(fields, [...issue.path, key], 'unknown field')
    } else {
      place(fields, issue.path, issue.message)
    }
  }
  return fields
}

/** Kong prints what lies deeper than two levels as a Lua table. */
function luaTable(value: Fields | (string | null)[]): string {
  const lines = Array.isArray(value)
    ? value.map((item) => JSON.stringify(item ?? 'nil'))
    : Object.entries(value).map(([key, item]) => `${key} = ${JSON.stringify(item)}`)
  return `{\n  ${lines.join(',\n  ')}\n}`
}

/** Sorted by field, so `@entity` comes first. */
const sorted = (fields: Fields) => Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))

function messagesOf(fields: Fields): string[] {
  return sorted(fields).flatMap(([field, fault]) => {
    if (typeof fault === 'string') return [`${field}: ${fault}`]
    if (Array.isArray(fault)) {
      const found = fault.flatMap((message, index) => (message === null ? [] : [{ message, index }]))
      return found.map(({ message, index }) =>
        field === '@entity' ? message : `${field}.${index + 1}: ${message}`,
      )
    }
    return sorted(fault).map(([sub, inner]) =>
      typeof inner === 'string' ? `${field}.${sub}: ${inner}` : `${field}.${sub}: ${luaTable(inner)}`,
    )
  })
}

export function schemaViolation(fields: Fields) {
  const messages = messagesOf(fields)
  const count = messages.length === 1 ? 'schema violation' : `${messages.length} schema violations`
  return { message: `${count} (${messages.join('; ')})`, name: 'schema violation', code: 2, fields }
}
