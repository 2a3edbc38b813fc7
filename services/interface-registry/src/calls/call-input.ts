import { AppError } from '@opsconductor/errors'
import { assertPlainJson } from '@opsconductor/service-kit'
import type { CallTarget } from './store.ts'

const inQuery = new Set(['GET', 'DELETE'])

/**
 * The call's input: the JSON body (none is `{}`), or the query parameters as an object of strings where the method has
 * no body. Throws `validation_failed` naming what does not fit the interface's schema.
 */
export function readInput(target: CallTarget, query: object, body: unknown): unknown {
  const fromQuery = inQuery.has(target.httpMethod)
  const root = fromQuery ? 'query' : 'body'
  const input = fromQuery ? { ...query } : (body ?? {})
  if (fromQuery) assertPlainJson(input, root)
  const fault = target.validateInput(input, root)
  if (fault !== undefined)
    throw new AppError('validation_failed', `${fault.path} ${fault.message}`, { errors: [fault] })
  return input
}
