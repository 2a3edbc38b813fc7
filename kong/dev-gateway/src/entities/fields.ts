import { z } from 'zod'

const typeWords: Record<string, string> = {
  string: 'a string',
  boolean: 'a boolean',
  number: 'a number',
  array: 'an array',
  object: 'a record',
}

/** Kong's own words for what zod finds. `null` counts as missing, as in Kong. */
export function kongWords(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.input === undefined || issue.input === null) return 'required field missing'
  if (issue.code === 'too_small') return 'length must be at least 1'
  if (issue.code === 'invalid_value') return `expected one of: ${issue.values.join(', ')}`
  return issue.code === 'invalid_type' ? `expected ${typeWords[issue.expected] ?? issue.expected}` : undefined
}

/** The given words, except for what is missing. */
const unlessMissing = (words: string) => ({
  error: ({ input }: { input?: unknown }) => (input === undefined || input === null ? undefined : words),
})

export const text = () => z.string().min(1)
export const integer = (min = -(2 ** 31), max = 2 ** 31 - 1) =>
  z
    .int(unlessMissing('expected an integer'))
    .refine((value) => value >= min && value <= max, `value should be between ${min} and ${max}`)
export const set = <T extends z.ZodType>(element: T) =>
  z.array(element, unlessMissing('expected a set')).transform((values) => [...new Set(values)])

/** A string that `fault` finds nothing wrong with. */
export const checked = (fault: (value: string) => string | undefined) =>
  text().superRefine((value, context) => {
    const message = fault(value)
    if (value !== '' && message) context.addIssue({ code: 'custom', message })
  })

/** An optional field: unset it is `fallback`, and null stays null. */
export const optional = <T extends z.ZodType>(schema: T, fallback: z.output<T> | null = null) =>
  schema.nullable().default(fallback as never)

export const name = () =>
  checked((value) =>
    // Kong refuses ASCII characters only.
    [...value].every((character) => character > '\x7f' || /[A-Za-z0-9.\-_~]/.test(character))
      ? undefined
      : `invalid value '${value}': the only accepted ascii characters are alphanumerics or ., -, _, and ~`,
  )

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
export const isUuid = (value: string) => uuidPattern.test(value)
const uuid = () => z.string('expected a valid UUID').regex(uuidPattern, 'expected a valid UUID').toLowerCase()

export const reference = () =>
  z.preprocess(
    (value) => (typeof value === 'object' ? value : {}),
    z.object({ id: z.string('missing primary key').pipe(uuid()) }),
  )

const tag = checked((value) =>
  /[,/]/.test(value)
    ? `invalid tag '${value}': expected printable ascii (except \`,\` and \`/\`) or valid utf-8 sequences`
    : undefined,
)

/** What every Kong entity has; ids and times are set before the schema runs. */
export const identity = {
  id: uuid(),
  created_at: z.number(),
  updated_at: z.number(),
  tags: optional(set(tag)),
}
