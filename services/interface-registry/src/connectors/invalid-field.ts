import { AppError } from '@opsconductor/errors'

export const invalidField = (path: string, message: string): AppError =>
  new AppError('validation_failed', `${path} ${message}`, { errors: [{ path, message }] })
