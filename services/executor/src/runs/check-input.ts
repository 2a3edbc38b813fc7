import { AppError } from '@opsconductor/errors'
import { compileSchema, type JsonSchemaDocument } from '@opsconductor/json-schema'

/** Throws `validation_failed` naming the field of the input that does not fit, as `body.input.x`. */
export function checkInput(schema: JsonSchemaDocument, input: unknown): void {
  const error = compileSchema(schema)(input, 'body.input')
  if (error !== undefined)
    throw new AppError('validation_failed', `${error.path} ${error.message}`, { errors: [error] })
}
