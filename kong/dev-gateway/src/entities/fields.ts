import { z } from 'zod'

/** Zod pieces that answer in Kong's own words. `null` counts as missing, as in Kong. */
const expected = (what: string) => (issue: { input?: unknown }) =>
  issue.input === undefined || issue.input === null ? 'required field missing' : `expected ${what}`

export const text = () => z.string({ error: expected('a string') }).min(1, 'length must be at least 1')
export const flag = () => z.boolean({ error: expected('a boolean') })
export const record = <S extends z.ZodRawShape>(shape: S) =>
  z.strictObject(shape, {
    error: (issue) => (issue.code === 'invalid_type' ? expected('a record')(issue) : undefined),
  })

const number = (what: string, min: number, max: number) =>
  z
    .number({ error: expected(what) })
    .refine((value) => what === 'a number' || Number.isInteger(value), {
      error: `expected ${what}`,
      abort: true,
    })
    .refine((value) => value >= min && value <= max, `value should be between ${min} and ${max}`)

export const integer = (min = -(2 ** 31), max = 2 ** 31 - 1) => number('an integer', min, max)
export const decimal = (min = -(2 ** 31), max = 2 ** 31 - 1) => number('a number', min, max)
export const positive = () =>
  z.number({ error: expected('a number') }).refine((value) => value > 0, 'value must be greater than 0')

export const oneOf = <const T extends readonly [string, ...string[]]>(...values: T) =>
  z.enum(values, {
    error: (issue) => expected(`one of: ${values.join(', ')}`)(issue),
  })
export const oneOfNumbers = (...values: number[]) =>
  integer().refine((value) => values.includes(value), `expected one of: ${values.join(', ')}`)

export const list = <T extends z.ZodType>(element: T) => z.array(element, { error: expected('an array') })
export const set = <T extends z.ZodType>(element: T) =>
  z.array(element, { error: expected('a set') }).transform((values) => [...new Set(values)])

/** An optional field: unset it is `fallback`, and null stays null. */
export const optional = <T extends z.ZodType>(schema: T, fallback: z.output<T> | null = null) =>
  schema.nullable().default(fallback as never)

export const nameWords = 'the only accepted ascii characters are alphanumerics or ., -, _, and ~'
// biome-ignore lint/suspicious/noControlCharactersInRegex: Kong refuses the ASCII range only, controls included
const badNameCharacter = /[\x00-\x7f]/
const isName = (value: string) =>
  [...value].every((character) => !badNameCharacter.test(character) || /[A-Za-z0-9.\-_~]/.test(character))
export const name = () =>
  text().refine(isName, { error: (issue) => `invalid value '${issue.input}': ${nameWords}` })
export const isValidName = (value: string) => value !== '' && isName(value)

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
export const isUuid = (value: string) => uuidPattern.test(value)
const uuid = () => z.string({ error: expected('a valid UUID') }).regex(uuidPattern, 'expected a valid UUID')

export const reference = () =>
  z
    .unknown()
    .superRefine((value, context) => {
      const id = typeof value === 'object' && value !== null ? (value as { id?: unknown }).id : undefined
      if (typeof id !== 'string') {
        context.addIssue({ code: 'custom', path: ['id'], message: 'missing primary key' })
      } else if (!isUuid(id)) {
        context.addIssue({ code: 'custom', path: ['id'], message: 'expected a valid UUID' })
      }
    })
    .transform((value) => ({ id: (value as { id: string }).id.toLowerCase() }))

const tag = text().refine((value) => !/[,/]/.test(value), {
  error: (issue) =>
    `invalid tag '${issue.input}': expected printable ascii (except \`,\` and \`/\`) or valid utf-8 sequences`,
})

/** What every Kong entity has; ids and times are set before the schema runs. */
export const identity = {
  id: uuid(),
  created_at: decimal(0, 2 ** 40),
  updated_at: decimal(0, 2 ** 40),
  tags: optional(set(tag)),
}
