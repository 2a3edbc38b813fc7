import { AppError } from '@opsconductor/errors'
import { isUniqueViolation } from './pool.ts'

interface Taken {
  path?: string
  message?: string
  /** Of several that the row might break. */
  constraint?: string
}

/** For `.catch()` of a write: throws `conflict` that names the field where a unique constraint was broken, every other error again. */
export const refuseTaken =
  (detail: string, { path = 'body.name', message = 'is taken', constraint }: Taken = {}) =>
  (error: unknown): never => {
    if (!isUniqueViolation(error, constraint)) throw error
    throw new AppError('conflict', detail, { errors: [{ path, message }] })
  }
