export { AppError, type AppErrorOptions, type FieldError, invalidField, toAppError } from './app-error.ts'
export { type ErrorCode, errorCodes } from './codes.ts'
export { type Problem, problemContentType, toProblem } from './problem.ts'
export { retryAfterMs } from './retry-after.ts'
