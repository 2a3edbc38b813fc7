import { type ErrorCode, errorCodes } from './codes.ts'

/** One field that is wrong: `path` as in `body.steps[0].type`, `message` for a person. */
export interface FieldError {
  path: string
  message: string
}

export interface AppErrorOptions {
  cause?: unknown
  /** For the log only; never leaves the service. Never put a secret here. */
  internal?: Record<string, unknown>
  errors?: FieldError[]
  /** Answered as Retry-After. */
  retryAfterSeconds?: number
  /** Answered as plain JSON instead of the problem, where a seed fixes an error's body. */
  exactBody?: Record<string, unknown>
}

/** The one error class of the platform. `detail` is shown to the caller: no secret, no stack, no SQL. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly internal: Record<string, unknown> | undefined
  readonly errors: FieldError[] | undefined
  readonly retryAfterSeconds: number | undefined
  readonly exactBody: Record<string, unknown> | undefined

  constructor(code: ErrorCode, detail: string, options: AppErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.internal = options.internal
    this.errors = options.errors
    this.retryAfterSeconds = options.retryAfterSeconds
    this.exactBody = options.exactBody
  }

  get status(): number {
    return errorCodes[this.code].status
  }

  get retryable(): boolean {
    return errorCodes[this.code].retryable
  }
}

/** `error` as an AppError; anything unknown becomes `internal_error`, whose detail says nothing of the cause. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  return new AppError('internal_error', 'Something went wrong on our side.', { cause: error })
}

/** The input is refused for one field of it; `path` as in `body.steps[0].type`, `message` as in `must be a number`. */
export const invalidField = (path: string, message: string): AppError =>
  new AppError('validation_failed', `${path} ${message}`, { errors: [{ path, message }] })
