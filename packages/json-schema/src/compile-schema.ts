import type { FieldError } from '@opsconductor/errors'
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { TooMuchWork, withinLimit } from './time-limit.ts'

export type JsonSchemaDocument = Record<string, unknown>
/** What is wrong with the value; undefined where nothing is. `root` names the value in paths. */
export type Validator = (value: unknown, root: string) => FieldError | undefined

const schemaBytesMax = 64 * 1024
const compileMsMax = 1_000
const validateMsMax = 500
/** Values of at most this size are cheap under any schema that has none of the keywords below. */
const smallBytes = 4 * 1024
/** Keywords whose work is not bounded by the sizes of schema and value: backtracking, recursion, comparing pairs. */
const unbounded = /"(pattern|patternProperties|\$ref|\$dynamicRef|uniqueItems)":/

const options = { strict: false, ownProperties: true, logger: false } as const
/** Knows what a schema is. Teaching that to an Ajv takes thirty times as long as most schemas, so it is taught to one. */
const metaSchema = new Ajv2020(options)
// It learns when it is asked first. A time limit that stopped it half-way would leave it broken for good.
void metaSchema.validateSchema({})

/**
 * Compiles a JSON Schema (2020-12) that a person wrote. Each schema gets an Ajv of its own, so that one's `$id` is
 * never another's. References out of the document are refused, never fetched.
 */
export function compileSchema(schema: JsonSchemaDocument): Validator {
  const text = JSON.stringify(schema)
  if (text.length > schemaBytesMax) throw new Error(`must be at most ${schemaBytesMax} characters`)
  if (text.includes('"$async":')) throw new Error('must not use $async')
  // A dialect's name would be looked up as a reference; keywords mean what 2020-12 says.
  const { $schema: _, ...document } = schema
  const ajv = new Ajv2020({ ...options, meta: false, validateSchema: false })
  formats.default(ajv, { mode: 'fast' })
  const validate = withinLimit(compileMsMax, () => {
    if (metaSchema.validateSchema(document) !== true) throw new Error(metaSchema.errorsText())
    return ajv.compile(document)
  })
  const risky = unbounded.test(text)
  return (value, root) => {
    try {
      const fits =
        risky || JSON.stringify(value).length > smallBytes
          ? withinLimit(validateMsMax, () => validate(value))
          : validate(value)
      return fits ? undefined : describe(validate.errors?.[0], root)
    } catch (error) {
      if (!(error instanceof TooMuchWork)) throw error
      return { path: root, message: 'takes too long to check against the schema' }
    }
  }
}

/** Why a schema cannot be used; undefined where it can. */
export function schemaFault(schema: JsonSchemaDocument): string | undefined {
  try {
    compileSchema(schema)
    return undefined
  } catch (error) {
    return `is not a usable JSON Schema: ${(error as Error).message}`.slice(0, 300)
  }
}

function describe(error: ErrorObject | undefined, root: string): FieldError {
  if (error === undefined) return { path: root, message: 'does not fit the schema' }
  const { missingProperty, additionalProperty, unevaluatedProperty } = error.params as Record<string, unknown>
  const names = error.instancePath.split('/').slice(1).map(unescapePointer)
  const last = missingProperty ?? additionalProperty ?? unevaluatedProperty
  if (typeof last === 'string') names.push(last)
  const path = names.reduce(
    (left, name) => left + (/^\d+$/.test(name) ? `[${name}]` : `.${name.slice(0, 100)}`),
    root,
  )
  return { path: path.slice(0, 300), message: (error.message ?? 'does not fit the schema').slice(0, 300) }
}

/** RFC 6901. */
const unescapePointer = (token: string) => token.replaceAll('~1', '/').replaceAll('~0', '~')
