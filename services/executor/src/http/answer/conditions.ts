import { isDeepStrictEqual } from 'node:util'
import { Json } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { z } from 'zod'
import { JsonPath, quoted, selectValues, withinPathLimit } from './json-path.ts'

const Count = z.number().int().min(0).max(1_000_000)

const Condition = z.union([
  JsonPath.describe('Holds where the path finds anything.'),
  z
    .object({
      path: JsonPath,
      equals: Json.optional().describe('The path finds something, and all of it is this value.'),
      in: z.array(Json).min(1).max(100).optional().describe('All that the path finds is one of these.'),
      not_equals: Json.optional().describe('Nothing that the path finds is this value.'),
      exists: z.boolean().optional().describe('Whether the path must find anything.'),
      count_min: Count.optional().describe('The path finds at least so many values.'),
      count_max: Count.optional().describe('The path finds at most so many values.'),
    })
    .strict()
    .refine(({ path: _, ...tests }) => Object.values(tests).some((one) => one !== undefined), {
      message: 'must have one of equals, in, not_equals, exists, count_min, count_max',
    }),
])
type Condition = z.infer<typeof Condition>

/** What must hold of an answer's body, all of it. */
export const Conditions = z.array(Condition).min(1).max(50)

/** Throws `step_failed` that names the first condition which does not hold. It quotes nothing of the body. */
export function assertConditions(conditions: readonly Condition[], body: unknown): void {
  withinPathLimit(() => assertAll(conditions, body))
}

function assertAll(conditions: readonly Condition[], body: unknown): void {
  for (const [index, condition] of conditions.entries()) {
    const { path, ...tests } = typeof condition === 'string' ? { path: condition, exists: true } : condition
    const fault = faultOf(tests, selectValues(path, body))
    if (fault !== undefined)
      throw new AppError(
        'step_failed',
        `The answer does not meet expect[${index}]: ${quoted(path)} ${fault}.`,
      )
  }
}

type Tests = Omit<Exclude<Condition, string>, 'path'>

function faultOf(tests: Tests, values: unknown[]): string | undefined {
  const { equals, not_equals, exists, count_min = 0, count_max = Number.POSITIVE_INFINITY } = tests
  const allowed = equals === undefined ? tests.in : [equals]
  const isOneOf = (list: readonly unknown[]) => (value: unknown) =>
    list.some((one) => isDeepStrictEqual(one, value))
  if (exists === true && values.length === 0) return 'finds nothing'
  if (exists === false && values.length > 0) return 'finds something'
  if (values.length < count_min) return `finds fewer than ${count_min} values`
  if (values.length > count_max) return `finds more than ${count_max} values`
  if (allowed !== undefined && !(values.length > 0 && values.every(isOneOf(allowed))))
    return values.length === 0 ? 'finds nothing' : 'is another value'
  if (not_equals !== undefined && values.some(isOneOf([not_equals])))
    return 'is the value that it must not be'
  return undefined
}
