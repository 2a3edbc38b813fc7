import type { CallTarget } from '@opsconductor/contracts'
import { AppError, type ErrorCode } from '@opsconductor/errors'
import { compileSchema, type Validator } from '@opsconductor/json-schema'

/** Throws `validation_failed` naming the field. */
export function assertInput(schema: CallTarget['input_schema'], input: unknown): void {
  const fault = validatorOf(schema, 'validation_failed', 'input_schema')?.(input, 'input')
  if (fault !== undefined)
    throw new AppError('validation_failed', `${fault.path} ${fault.message}`, { errors: [fault] })
}

/** Throws `invalid_answer` naming the field. */
export function assertOutput(schema: CallTarget['output_schema'], output: unknown): void {
  const fault = validatorOf(schema, 'invalid_answer', 'output_schema')?.(output, 'output')
  if (fault !== undefined)
    throw new AppError(
      'invalid_answer',
      `The answer does not fit the interface's output_schema: ${fault.path} ${fault.message}`,
    )
}

/** A schema is what somebody wrote, and may be none. */
function validatorOf(
  schema: CallTarget['input_schema'],
  code: ErrorCode,
  field: 'input_schema' | 'output_schema',
): Validator | undefined {
  try {
    return schema === null ? undefined : compileSchema(schema)
  } catch (cause) {
    throw new AppError(code, `The interface's ${field} is not a usable JSON Schema.`, { cause })
  }
}
