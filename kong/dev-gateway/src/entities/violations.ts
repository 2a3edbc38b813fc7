import type { z } from 'zod'

interface Fault {
  path: PropertyKey[]
  message: string
}

/** A tree of messages; arrays hold null where an item is right. */
type Fields = { [field: PropertyKey]: string | Fields }

/** One fault per field, the first that zod found, as Kong stops there; sorted, so `@entity` comes first. */
function faultsOf(issues: readonly z.core.$ZodIssue[]): Fault[] {
  const byField = new Map<string, Fault>()
  for (const issue of issues) {
    const unknown = issue.code === 'unrecognized_keys'
    for (const path of unknown ? issue.keys.map((key) => [...issue.path, key]) : [issue.path]) {
      const field = path.join('.')
      if (!byField.has(field))
        byField.set(field, { path, message: unknown ? 'unknown field' : issue.message })
    }
  }
  return [...byField].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, fault]) => fault)
}

function place(fields: Fields, [head = '', ...rest]: PropertyKey[], message: string): void {
  if (rest.length === 0) {
    fields[head] ??= message
    return
  }
  // Without a prototype, so that a field may be called `__proto__`.
  fields[head] ??= typeof rest[0] === 'number' ? ([] as unknown as Fields) : Object.create(null)
  const inner = fields[head]
  if (typeof inner === 'object') place(inner, rest, message)
}

function sentenceOf({ path, message }: Fault): string {
  if (path[0] === '@entity') return message
  return `${path.map((part) => (typeof part === 'number' ? part + 1 : String(part))).join('.')}: ${message}`
}

/** The body of Kong's "schema violation". */
export function schemaViolation(issues: readonly z.core.$ZodIssue[]) {
  const faults = faultsOf(issues)
  const fields: Fields = Object.create(null)
  for (const { path, message } of faults) place(fields, path, message)
  const count = faults.length === 1 ? 'schema violation' : `${faults.length} schema violations`
  return {
    message: `${count} (${faults.map(sentenceOf).join('; ')})`,
    name: 'schema violation',
    code: 2,
    fields,
  }
}
