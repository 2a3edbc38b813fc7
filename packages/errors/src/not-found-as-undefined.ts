import { AppError } from './app-error.ts'

/** For `.catch()` of what looks something up that may not be there. Throws every other error again. */
export function notFoundAsUndefined(error: unknown): undefined {
  if (error instanceof AppError && error.code === 'not_found') return undefined
  throw error
}
