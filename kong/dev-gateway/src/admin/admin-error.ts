import { type Fields, schemaViolation } from '../entities/violations.ts'

/** Carries an answer of the Admin API to the one place that writes it. */
export class AdminError extends Error {
  readonly status: number
  readonly body: object

  constructor(status: number, body: object) {
    super('message' in body ? String(body.message) : `status ${status}`)
    this.status = status
    this.body = body
  }
}

/** Kong prints keys as Lua tables, sorted: `{name="echo",service={id="…"}}`. */
function luaKey(key: Record<string, unknown>): string {
  const parts = Object.keys(key)
    .sort()
    .map((field) => {
      const value = key[field]
      if (value === null) return `${field}=null`
      return typeof value === 'object'
        ? `${field}=${luaKey(value as Record<string, unknown>)}`
        : `${field}="${value}"`
    })
  return `{${parts.join(',')}}`
}

const of = (status: number, code: number, name: string, message: string, fields: object) =>
  new AdminError(status, { message, name, code, fields })

export const notFound = () => new AdminError(404, { message: 'Not found' })
export const methodNotAllowed = () => new AdminError(405, { message: 'Method not allowed' })
export const violated = (fields: Fields) => new AdminError(400, schemaViolation(fields))
export const duplicateId = (id: string) =>
  of(400, 3, 'primary key violation', `primary key violation on key '${luaKey({ id })}'`, { id })
export const missingReference = (field: string, id: string, kind: string) =>
  of(
    400,
    4,
    'foreign key violation',
    `the foreign key '${luaKey({ id })}' does not reference an existing '${kind}' entity.`,
    { [field]: { id } },
  )
export const stillReferenced = (kind: string, by: string) =>
  of(400, 4, 'foreign key violation', `an existing '${by}' entity references this '${kind}' entity`, {
    '@referenced_by': by,
  })
export const duplicate = (key: Record<string, unknown>) =>
  of(409, 5, 'unique constraint violation', `UNIQUE violation detected on '${luaKey(key)}'`, key)
export const nothingToUpdate = (key: Record<string, unknown>) =>
  of(404, 6, 'not found', `could not find the entity with '${luaKey(key)}'`, key)
export const unresolvedName = (field: string, nameField: string, name: string, kind: string) => {
  const fault = `the foreign key cannot be resolved with '${luaKey({ [nameField]: name })}' for an existing '${kind}' entity`
  return of(400, 13, 'foreign keys unresolved', `foreign key unresolved (${field}.${nameField}: ${fault})`, {
    [field]: { [nameField]: fault },
  })
}
export const badOffset = (offset: string) =>
  new AdminError(400, {
    code: 7,
    message: `'${offset}' is not a valid offset: bad json encoding`,
    name: 'invalid offset',
  })
export const badSize = (message: string) => new AdminError(400, { code: 9, message, name: 'invalid size' })
export const badPathName = (message: string) =>
  new AdminError(400, { code: 10, message, name: 'invalid unique name' })
export const badTags = (fault: string) =>
  new AdminError(400, {
    message: `invalid option (tags: ${fault})`,
    code: 11,
    name: 'invalid options',
    options: { tags: fault },
  })
