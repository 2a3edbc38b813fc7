import { AppError, type FieldError } from '@opsconductor/errors'
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { isDeeperThan } from '../json-limits.ts'
import { OutOfTime, runBounded } from './bounded.ts'

type Schema = Record<string, unknown>

const schemaCharactersMax = 64 * 1024
const schemaDepthMax = 32
const compileMsMax = 1_000
const validateMsMax = 250
const compiledMax = 200
const draft = 'https://json-schema.org/draft/2020-12/schema'

/** Why a schema cannot be used; undefined where it can. */
export function schemaFault(schema: Schema): string | undefined {
  const shape = shapeFault(schema)
  if (shape !== undefined) return shape
  try {
    compile(schema)
    return undefined
  } catch (error) {
    if (error instanceof OutOfTime) return 'takes too long to compile'
    return `is not a usable JSON Schema: ${(error as Error).message.slice(0, 300)}`
  }
}

/** Throws `validation_failed` naming the fields of the input that do not fit, as `body.input.x`. */
export function assertFits(schema: Schema, input: unknown, part: string): void {
  const errors = faultsOf(schema, input, part)
  if (errors.length === 0) return
  const detail = errors.map(({ path, message }) => `${path} ${message}`).join('; ')
  throw new AppError('validation_failed', detail.slice(0, 1000), { errors })
}

function faultsOf(schema: Schema, input: unknown, part: string): FieldError[] {
  try {
    const validate = compile(schema)
    if (runBounded(validateMsMax, () => validate(input))) return []
    return (validate.errors ?? []).map((error) => toFieldError(error, part))
  } catch (error) {
    if (error instanceof OutOfTime)
      return [{ path: part, message: 'takes too long to hold against the schema' }]
    throw error
  }
}

/** Validators by their schema's text: most runs are of few jobs. */
const compiled = new Map<string, ValidateFunction>()

function compile(schema: Schema): ValidateFunction {
  const text = JSON.stringify(schema)
  const known = compiled.get(text)
  if (known !== undefined) return known
  // An instance of its own, so that no schema sees another's names.
  const ajv = new Ajv2020({ strict: false, logger: false, allErrors: false, validateFormats: true })
  addFormats.default(ajv)
  const validate = runBounded(compileMsMax, () => ajv.compile(schema))
  if (compiled.size >= compiledMax) compiled.delete(compiled.keys().next().value as string)
  compiled.set(text, validate)
  return validate
}

function shapeFault(schema: Schema): string | undefined {
  if (isDeeperThan(schema, schemaDepthMax)) return `nests deeper than ${schemaDepthMax}`
  if (JSON.stringify(schema).length > schemaCharactersMax)
    return `is longer than ${schemaCharactersMax} characters`
  if (schema.$schema !== undefined && schema.$schema !== draft) return `must be of draft 2020-12 (${draft})`
  return keywordFault(schema)
}

/** Keywords that would fetch, rename or change how validation runs. Looked for everywhere: better one too many refused. */
function keywordFault(node: unknown): string | undefined {
  if (typeof node !== 'object' || node === null) return undefined
  for (const [key, value] of Object.entries(node)) {
    if ((key === '$ref' || key === '$dynamicRef') && typeof value === 'string' && !value.startsWith('#'))
      return `may only refer to itself: ${key} must start with #`
    if (key === '$async' || key === '$id' || key === '$vocabulary') return `must not use ${key}`
    const fault = keywordFault(value)
    if (fault !== undefined) return fault
  }
  return undefined
}

function toFieldError({ instancePath, message, params, keyword }: ErrorObject, part: string): FieldError {
  const path = instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~').slice(0, 100))
    .reduce((at, step) => (/^\d+$/.test(step) ? `${at}[${step}]` : `${at}.${step}`), part)
  const extra =
    keyword === 'additionalProperties' ? ` (${String(params.additionalProperty).slice(0, 100)})` : ''
  return { path: path.slice(0, 300), message: `${message ?? 'does not fit'}${extra}`.slice(0, 300) }
}
