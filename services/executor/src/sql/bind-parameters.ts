import { AppError } from '@opsconductor/errors'
import type { Dialect, Statement } from './dialect.ts'
import { tokens } from './lexis.ts'

export type Parameters = readonly unknown[] | Readonly<Record<string, unknown>>

/** `:name` as the dialect's own places for parameters, with the values in their order; a list stands as it is. */
export function bindParameters(dialect: Dialect, sql: string, parameters: Parameters): Statement {
  if (sql.includes('\0'))
    throw new AppError('validation_failed', 'The statement must not hold a NUL character.')
  if (Array.isArray(parameters)) return { sql, values: parameters.map(dialect.toValue) }
  const named = parameters as Readonly<Record<string, unknown>>
  const { text, names } = placeNames(dialect, sql, named)
  const unused = Object.keys(named).find((name) => !names.includes(name))
  if (unused !== undefined)
    throw new AppError('step_failed', `The statement has no parameter :${unused.slice(0, 100)}.`)
  return { sql: text, values: names.map((name) => dialect.toValue(named[name])) }
}

function placeNames(
  { lexis, placeholder, repeatsValues }: Dialect,
  sql: string,
  named: Readonly<Record<string, unknown>>,
): { text: string; names: string[] } {
  const names: string[] = []
  const places = new Map<string, number>()
  const parts: string[] = []
  let copied = 0
  for (const { kind, start, end } of tokens(sql, lexis)) {
    const name = sql.slice(start + 1, end)
    if (kind !== 'parameter' || !Object.hasOwn(named, name)) continue
    const known = repeatsValues ? undefined : places.get(name)
    const place = known ?? names.push(name)
    places.set(name, place)
    parts.push(sql.slice(copied, start), placeholder(place))
    copied = end
  }
  return { text: parts.join('') + sql.slice(copied), names }
}
