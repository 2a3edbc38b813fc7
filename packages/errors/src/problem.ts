import type { AppError, FieldError } from './app-error.ts'
import { type ErrorCode, errorCodes } from './codes.ts'

/** RFC 9457 problem details, with our stable `code`, the trace it belongs to and the wrong fields. */
export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  code: ErrorCode
  trace_id?: string
  errors?: FieldError[]
}

export const problemContentType = 'application/problem+json'

export function toProblem(error: AppError, traceId?: string): Problem {
  return {
    type: `urn:opsconductor:error:${error.code}`,
    title: errorCodes[error.code].title,
    status: error.status,
    detail: error.message,
    code: error.code,
    ...(traceId === undefined ? {} : { trace_id: traceId }),
    ...(error.errors === undefined ? {} : { errors: error.errors }),
  }
}
