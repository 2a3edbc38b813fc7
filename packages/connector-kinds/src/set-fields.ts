import { refuseInput } from './refuse-input.ts'

type Input = Readonly<Record<string, unknown>>

/** The input with the fields that are the connector's alone; throws where the input names one of them. */
export function withFixed(input: Input, fixed: Input): Record<string, unknown> {
  for (const name of Object.keys(fixed))
    if (Object.hasOwn(input, name)) throw refuseInput(`input.${name}`, 'is what the connector says')
  return { ...input, ...given(fixed) }
}

/** The input with what the connector says where the input says nothing. */
export const withDefaults = (input: Input, defaults: Input): Record<string, unknown> => ({
  ...given(defaults),
  ...input,
})

/** The input with the connector's headers, of which those that it has itself are left out, in whatever case. */
export function withHeaders(
  input: Input,
  headers: Readonly<Record<string, string>> = {},
): Record<string, unknown> {
  const own = input.headers ?? {}
  // Whatever else it is, the step type says what is wrong with it.
  if (typeof own !== 'object' || Array.isArray(own) || Object.keys(headers).length === 0) return { ...input }
  const ownNames = new Set(Object.keys(own).map((name) => name.toLowerCase()))
  const added = Object.entries(headers).filter(([name]) => !ownNames.has(name.toLowerCase()))
  return { ...input, headers: { ...Object.fromEntries(added), ...own } }
}

const given = (fields: Input): Input =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
