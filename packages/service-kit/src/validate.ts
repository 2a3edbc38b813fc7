import { AppError, type FieldError } from '@opsconductor/errors'
import type { z } from 'zod'

type Part = 'params' | 'query' | 'body'

/**
 * The value as the schema has it. Throws `validation_failed` (422) for a body, `invalid_request` (400) for a query and
 * `not_found` for path parameters (no such thing can exist), each naming the fields. Messages never quote the value:
 * it may be a secret.
 */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  part: Part,
): z.infer<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  if (part === 'params') throw new AppError('not_found', 'There is no such thing.')
  const errors = fieldErrors(result.error, part)
  const detail = errors
    .map((error) => `${error.path} ${error.message}`)
    .join('; ')
    .slice(0, 1000)
  throw new AppError(part === 'body' ? 'validation_failed' : 'invalid_request', detail, { errors })
}

/** At most this many wrong fields are reported where nothing else is said. */
const errorsMaxByDefault = 20

export function fieldErrors(error: z.ZodError, part: string, errorsMax = errorsMaxByDefault): FieldError[] {
  return error.issues.slice(0, errorsMax).map((issue) => ({
    path: issue.path.reduce<string>(
      (path, key) => (typeof key === 'number' ? `${path}[${key}]` : `${path}.${String(key).slice(0, 100)}`),
      part,
    ),
    message: issue.message.slice(0, 300),
  }))
}
