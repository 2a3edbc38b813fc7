import { AppError } from '@opsconductor/errors'
import { isDeeperThan } from '../json-limits.ts'

/**
 * The one rule for values, whatever the database: what JSON carries without loss comes as it is; integers beyond 2^53 and
 * decimals come as texts, as do NaN and the infinities; dates and times are the database's text, with `T` and offset where it
 * gave an offset, and never move to another zone; bytes are `{ "base64": "…" }`; JSON columns are parsed under the same rule.
 */
export function toJsonValue(value: unknown): unknown {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'bigint':
      return safeInteger(value)
    case 'object':
      if (value instanceof Uint8Array)
        return { base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') }
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
      return Array.isArray(value) ? value.map(toJsonValue) : value
    case 'undefined':
      return null
    default:
      return value
  }
}

export const safeInteger = (value: bigint): number | string =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value)

/** A parameter's bytes, written as results have them. */
export function bytesOf(parameter: unknown): Buffer | undefined {
  if (typeof parameter !== 'object' || parameter === null || Array.isArray(parameter)) return undefined
  const { base64 } = parameter as { base64?: unknown }
  return Object.keys(parameter).length === 1 && typeof base64 === 'string'
    ? Buffer.from(base64, 'base64')
    : undefined
}

const depthMax = 90
/** More than a double keeps for sure, or an exponent: such a number is looked at one by one. */
const maybeLossy = /\d[\d.]{15}|\d[eE]/

/** The text of a JSON column; numbers that JavaScript would round come as their text, and what is no JSON is one itself. */
export function parseJson(text: string): unknown {
  let value: unknown
  try {
    value = maybeLossy.test(text) ? JSON.parse(text, keepExact as never) : JSON.parse(text)
  } catch {
    return text
  }
  if (isDeeperThan(value, depthMax))
    throw new AppError('target_answer_too_large', `A value nests deeper than ${depthMax}.`)
  return value
}

function keepExact(_key: string, value: unknown, { source }: { source?: string }): unknown {
  if (typeof value !== 'number' || source === undefined) return value
  const digits = source
    .replace(/[eE].*/, '')
    .replaceAll(/[-.]/g, '')
    .replace(/^0+/, '')
  if (digits.length <= 15 && Number.isFinite(value)) return value
  return Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? value : source
}
