export type KongAdminErrorKind =
  /** Kong's code 2: `fields` says which and why. */
  | 'schema_violation'
  | 'not_found'
  /** A name, id or plugin scope that is taken. */
  | 'unique_violation'
  /** Points to something that does not exist, or is still pointed to. */
  | 'foreign_key'
  /** Any other 4xx: bad paging, wrong token, method not allowed … */
  | 'refused'
  /** No connection, or no whole answer in time. Of a POST or PATCH nobody knows whether it was done. */
  | 'unreachable'
  /** Kong, or what stands before it, answered 5xx, 429 or something that is not JSON. */
  | 'unavailable'

interface Details {
  status?: number | undefined
  kongCode?: number | undefined
  kongName?: string | undefined
  fields?: Record<string, unknown> | undefined
  cause?: unknown
}

/** The one error of the client. The message holds Kong's own words, never the token. */
export class KongAdminError extends Error {
  readonly kind: KongAdminErrorKind
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined
  /** Kong's `code` and `name` of its error body, where it has one. */
  readonly kongCode: number | undefined
  readonly kongName: string | undefined
  /** Kong's `fields`: field → message, nested for records. */
  readonly fields: Record<string, unknown> | undefined

  constructor(kind: KongAdminErrorKind, message: string, details: Details = {}) {
    super(message, { cause: details.cause })
    this.name = 'KongAdminError'
    this.kind = kind
    this.status = details.status
    this.kongCode = details.kongCode
    this.kongName = details.kongName
    this.fields = details.fields
  }
}

const kindByCode: Record<number, KongAdminErrorKind> = {
  2: 'schema_violation',
  3: 'unique_violation',
  4: 'foreign_key',
  5: 'unique_violation',
  6: 'not_found',
  13: 'foreign_key',
}

function kindOf(status: number, code: number | undefined): KongAdminErrorKind {
  if (status >= 500 || status === 429) return 'unavailable'
  const byCode = code === undefined ? undefined : kindByCode[code]
  if (byCode) return byCode
  if (status === 404) return 'not_found'
  return status === 409 ? 'unique_violation' : 'refused'
}

/** `body` is the parsed answer, or undefined where it was no JSON object. */
export function errorOfAnswer(request: string, status: number, body: Record<string, unknown> | undefined) {
  const code = typeof body?.code === 'number' ? body.code : undefined
  const said = typeof body?.message === 'string' ? body.message : 'no message'
  return new KongAdminError(kindOf(status, code), `Kong answered ${status} to ${request}: ${said}`, {
    status,
    kongCode: code,
    kongName: typeof body?.name === 'string' ? body.name : undefined,
    fields: typeof body?.fields === 'object' ? (body.fields as Record<string, unknown>) : undefined,
  })
}
