import { AppError } from '@opsconductor/errors'
import { TooMuchWork, withinLimit } from '@opsconductor/json-schema'
import { compile, type JSONPathQuery } from 'json-p3'
import { z } from 'zod'

/** Filters may hold patterns that backtrack for ever, and `..` within `..` visits everything again and again. */
const selectMsMax = 500

/** RFC 9535, as in `$.items[?@.state == "open"].id`. */
export const JsonPath = z
  .string()
  .max(500)
  .refine((text) => compiled(text) !== undefined, 'must be a JSONPath like $.items[0].id (RFC 9535)')

/** Runs all that selects values from an answer within the time that a step may take for it. Throws `step_failed`. */
export function withinPathLimit<T>(work: () => T): T {
  try {
    return withinLimit(selectMsMax, work)
  } catch (error) {
    if (error instanceof TooMuchWork)
      throw new AppError('step_failed', 'The JSONPaths of the step take too long on this answer.')
    throw error
  }
}

/** The values that the path finds in the document, in order; for use within `withinPathLimit`. */
export function selectValues(path: string, document: unknown): unknown[] {
  const query = queryOf(path)
  try {
    return query.query(document as never).values()
  } catch (error) {
    if (error instanceof RangeError) throw error
    throw new AppError('step_failed', `The JSONPath ${quoted(path)} cannot be applied to this answer.`)
  }
}

/** True where the path can find one value at most. */
export const isSingular = (path: string): boolean => queryOf(path).singularQuery()

export const quoted = (path: string): string => path.slice(0, 100)

function queryOf(path: string): JSONPathQuery {
  const query = compiled(path)
  if (query === undefined) throw new AppError('validation_failed', `${quoted(path)} is not a JSONPath.`)
  return query
}

function compiled(path: string): JSONPathQuery | undefined {
  try {
    return compile(path)
  } catch {
    return undefined
  }
}
