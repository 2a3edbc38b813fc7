import { HeaderName, JsonSchema } from '@opsconductor/contracts'
import { AppError, retryAfterMs } from '@opsconductor/errors'
import { compileSchema, type Validator } from '@opsconductor/json-schema'
import { z } from 'zod'
import type { HttpAnswer } from '../exchange.ts'
import { headerOf } from '../header-fields.ts'
import { assertConditions, Conditions } from './conditions.ts'

const ExpectedHeader = z.union([
  z.literal(true).describe('The header is there.'),
  z.string().max(8_000).describe('The header is this text.'),
  z.object({ contains: z.string().min(1).max(8_000) }).strict(),
])

export const expectationFields = {
  expect_status: z
    .array(z.number().int().min(100).max(599))
    .min(1)
    .max(50)
    .optional()
    .describe('Statuses that are no failure; without it every 2xx.'),
  expect_headers: z
    .record(HeaderName, ExpectedHeader)
    .optional()
    .describe("What the answer's headers must be."),
  expect_schema: JsonSchema.optional().describe('A JSON Schema (2020-12) that the body must fit.'),
  expect: Conditions.optional().describe('What must hold of the body, by JSONPath.'),
}
type Expectations = z.infer<z.ZodObject<typeof expectationFields>>

/** Throws where the answer is not what the step expects: its status first, because the body of another says nothing. */
export function assertExpectations(answer: HttpAnswer, expected: Expectations): void {
  assertExpected(answer, expected.expect_status)
  for (const [name, wanted] of Object.entries(expected.expect_headers ?? {}))
    if (!fits(headerOf(answer.headers, name), wanted))
      throw new AppError('step_failed', `The answer's header ${name} is not what the step expects.`)
  if (expected.expect_schema !== undefined) assertSchema(expected.expect_schema, answer.body)
  if (expected.expect !== undefined) assertConditions(expected.expect, answer.body)
}

export const isExpected = (status: number, expected: readonly number[] | undefined): boolean =>
  expected === undefined ? status >= 200 && status < 300 : expected.includes(status)

/** Throws where the status is not expected; without an expectation every 2xx is. */
export function assertExpected({ status, headers }: HttpAnswer, expected: number[] | undefined): void {
  if (isExpected(status, expected)) return
  if (status === 429 || status >= 500) {
    const waitMs = retryAfterMs(headers['retry-after'], new Date())
    throw new AppError('target_failed', `The target answered ${status}.`, {
      ...(waitMs !== undefined && { retryAfterSeconds: Math.ceil(waitMs / 1000) }),
    })
  }
  throw new AppError('target_refused', `The target answered ${status}.`)
}

function fits(value: string | undefined, wanted: z.infer<typeof ExpectedHeader>): boolean {
  if (value === undefined) return false
  if (wanted === true) return true
  return typeof wanted === 'string' ? value === wanted : value.includes(wanted.contains)
}

function assertSchema(schema: z.infer<typeof JsonSchema>, body: unknown): void {
  const fault = compiled(schema)(body, 'body')
  if (fault !== undefined)
    throw new AppError(
      'step_failed',
      `The answer does not fit expect_schema: ${fault.path} ${fault.message}.`,
    )
}

function compiled(schema: z.infer<typeof JsonSchema>): Validator {
  try {
    return compileSchema(schema)
  } catch {
    throw new AppError('validation_failed', 'input.expect_schema is not a usable JSON Schema.')
  }
}
