import { AppError } from '@opsconductor/errors'

/** What a step wants of a connector that the connector does not give; `at` as in `input.url`. */
export const refuseInput = (at: string, message: string): AppError =>
  new AppError('validation_failed', `${at} ${message}.`, { errors: [{ path: at, message }] })
