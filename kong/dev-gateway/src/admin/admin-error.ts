/** Carries an answer of the Admin API to the one place that writes it. */
export class AdminError extends Error {
  readonly status: number
  readonly body: object

  constructor(status: number, body: object) {
    super(`status ${status}`)
    this.status = status
    this.body = body
  }
}

type Key = Record<string, unknown>

/** Kong prints keys as Lua tables, sorted: `{name="echo",service={id="…"}}`. */
function luaKey(key: Key): string {
  const print = (value: unknown) => {
    if (value === null) return 'null'
    return typeof value === 'object' ? luaKey(value as Key) : `"${value}"`
  }
  const fields = Object.keys(key).sort()
  return `{${fields.map((field) => `${field}=${print(key[field])}`).join(',')}}`
}

const coded = (status: number, code: number, name: string, message: string, rest: object = {}) =>
  new AdminError(status, { message, name, code, ...rest })

export const notFound = () => new AdminError(404, { message: 'Not found' })
export const methodNotAllowed = () => new AdminError(405, { message: 'Method not allowed' })

export const duplicateId = (id: string) =>
  coded(400, 3, 'primary key violation', `primary key violation on key '${luaKey({ id })}'`, {
    fields: { id },
  })

export const missingReference = (field: string, id: string, kind: string) => {
  const message = `the foreign key '${luaKey({ id })}' does not reference an existing '${kind}' entity.`
  return coded(400, 4, 'foreign key violation', message, { fields: { [field]: { id } } })
}

export const stillReferenced = (kind: string, by: string) => {
  const message = `an existing '${by}' entity references this '${kind}' entity`
  return coded(400, 4, 'foreign key violation', message, { fields: { '@referenced_by': by } })
}

export const duplicate = (fields: Key) =>
  coded(409, 5, 'unique constraint violation', `UNIQUE violation detected on '${luaKey(fields)}'`, { fields })

export const nothingToUpdate = (fields: Key) =>
  coded(404, 6, 'not found', `could not find the entity with '${luaKey(fields)}'`, { fields })

export const unresolvedName = (field: string, nameField: string, name: string, kind: string) => {
  const fault = `the foreign key cannot be resolved with '${luaKey({ [nameField]: name })}' for an existing '${kind}' entity`
  const message = `foreign key unresolved (${field}.${nameField}: ${fault})`
  return coded(400, 13, 'foreign keys unresolved', message, { fields: { [field]: { [nameField]: fault } } })
}

export const badOffset = (offset: string) =>
  coded(400, 7, 'invalid offset', `'${offset}' is not a valid offset: bad json encoding`)

export const badSize = (message: string) => coded(400, 9, 'invalid size', message)

export const badTags = (tags: string) =>
  coded(400, 11, 'invalid options', `invalid option (tags: ${tags})`, { options: { tags } })
