import pg from 'pg'
import { parseJson, safeInteger } from '../json-values.ts'

type Parse = (text: string) => unknown

/** `2026-01-02 03:04:05.678+00` in ISO 8601; infinity, years before Christ and other date styles stay the text they are. */
function isoTimestamp(text: string): string {
  const [, day, time, offset] =
    /^(\d{4,6}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d(?::\d\d)*)$/.exec(text) ?? []
  if (day === undefined || offset === undefined) return text
  if (/^[+-]00$/.test(offset)) return `${day}T${time}Z`
  return `${day}T${time}${offset.length === 3 ? `${offset}:00` : offset}`
}

const asText: Parse = (text) => text
const integer: Parse = (text) => safeInteger(BigInt(text))
const bytes: Parse = pg.types.getTypeParser(17)
const texts = pg.types.getTypeParser(1009 as number) as (text: string) => unknown[]

const each =
  (parse: Parse): Parse =>
  (text) =>
    deep(texts(text), parse)

const deep = (list: unknown[], parse: Parse): unknown[] =>
  list.map((item) => (Array.isArray(item) ? deep(item, parse) : item === null ? null : parse(item as string)))

/** By the type's OID; pg's own readings of these round, or depend on our time zone. */
const parsers = new Map<number, Parse>([
  [20, integer],
  [1016, each(integer)],
  [1231, each(asText)],
  [114, parseJson],
  [3802, parseJson],
  [199, each(parseJson)],
  [3807, each(parseJson)],
  [1184, isoTimestamp],
  [1185, each(isoTimestamp)],
  [1001, each(bytes)],
])
/** Dates, times and intervals, points and circles; and lists of them. */
for (const oid of [1082, 1083, 1114, 1186, 1266, 600, 718]) parsers.set(oid, asText)
for (const oid of [1182, 1183, 1115, 1187, 1270, 1017, 719]) parsers.set(oid, each(asText))

export function getTypeParser(oid: number, format?: 'text' | 'binary'): Parse {
  return parsers.get(oid) ?? pg.types.getTypeParser(oid, format as 'text')
}
