import fc from 'fast-check'
import { z } from 'zod'

/** A route as the fuzz sees it: where it is, and the shapes that it says it takes. */
export interface FuzzedRoute {
  listener: 'public' | 'internal'
  method: string
  path: string
  query: z.ZodType | undefined
  body: z.ZodType | undefined
}

/** What is stored, by the names that fields have for it: so that requests reach more than validation. */
export type Hints = Record<string, readonly unknown[]>

/** The ids that are stored, by the path that they are found under. */
export type Ids = Record<string, readonly string[]>

/** A request by its recipe, which is short enough to print; `renderBody` and the like make the bytes. */
export interface Recipe {
  caller: 'right' | 'other' | 'none'
  segment: string
  query: Record<string, string>
  querySuffix: string
  headers: Record<string, string>
  contentType: string
  body: BodyRecipe
}

interface BodyRecipe {
  value: unknown
  change: 'none' | 'replace' | 'remove' | 'surplus' | 'twice' | 'whole'
  /** Which of the value's places is changed. */
  at: number
  fragment: keyof typeof fragments
  name: string
  spoil: keyof typeof spoilers
}

const nested = (open: string, close: string, inner = '') => open.repeat(10_000) + inner + close.repeat(10_000)

/** JSON texts, or what only looks like one, that take a value's place. */
const fragments = {
  null: 'null',
  true: 'true',
  minusOne: '-1',
  minusZero: '-0',
  fraction: '1.5',
  nan: 'NaN',
  overflowing: '1e999',
  manyDigits: '9'.repeat(400),
  largestInteger: '9007199254740993',
  emptyText: '""',
  blank: '" "',
  nul: '"a\\u0000b"',
  rawNul: '"a\u0000b"',
  halfPair: '"\\ud800"',
  otherHalfPair: '"\\udc00x"',
  backwards: '"\u202e\ufeff\u2028"',
  megabyte: `"${'x'.repeat(1_000_000)}"`,
  moreThanMegabyte: `"${'é'.repeat(1_000_001)}"`,
  emptyObject: '{}',
  emptyArray: '[]',
  mixedArray: '[null,{"a":[1]},"b"]',
  longArray: `[${'0,'.repeat(100_000)}0]`,
  proto: '{"__proto__":{"polluted":true}}',
  constructor: '{"constructor":{"prototype":{"polluted":true}}}',
  longName: `{"${'k'.repeat(100_000)}":1}`,
  deepArray: nested('[', ']'),
  deepObject: nested('{"a":', '}', '1'),
  unended: '{"a":',
}

/** What happens to the finished text on its way. */
const spoilers = {
  none: (text: string): string | Buffer => text,
  truncated: (text: string) => text.slice(0, Math.floor(text.length / 2)),
  withMark: (text: string) => `\ufeff${text}`,
  withTail: (text: string) => `${text} x`,
  withBadBytes: (text: string) =>
    Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0xff, 0xc0, 0x80])]),
  inUtf16: (text: string) => Buffer.from(text, 'utf16le'),
  nothing: () => '',
}

const surplusNames = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  '',
  'a\0',
  '\ud800',
  'x'.repeat(1000),
]
const segments = [
  '%2e%2e%2f',
  'a%2Fb',
  '%00',
  '%',
  '%zz',
  '%ED%A0%80',
  '%F0%9F%94%91',
  ';',
  '..;',
  "'--",
  '*',
  '1',
  '0'.repeat(3000),
]
const queryOddities = [
  '',
  '',
  '',
  '&limit=%00',
  '&limit=1&limit=2',
  '&a[b]=c',
  '&__proto__[x]=1',
  '&%zz=%',
  '&=',
  `&x=${'y'.repeat(5000)}`,
]
const contentTypes = [
  'text/plain',
  '',
  ';;',
  'application/json; charset=utf-16',
  'application/json; charset=none',
  'multipart/form-data',
  'application/merge-patch+json',
]
const headerNames = [
  'x-request-id',
  'traceparent',
  'baggage',
  'if-match',
  'if-none-match',
  'x-real-ip',
  'x-forwarded-for',
  'x-project-id',
  'accept',
  'content-encoding',
  'range',
  'idempotency-key',
  'cookie',
] as const
const headerValues = [
  '',
  '*',
  '"1"',
  'W/"1"',
  '"',
  ',',
  'gzip',
  'br',
  '::ffff:1.2.3.4%eth0',
  '999.1.1.1',
  'é\u00ff',
  'x'.repeat(6000),
  '00-0-0-0',
  "'; --",
  'bytes=0-1',
]

/** Most requests are good in most respects, or nothing but the first check would ever be reached. */
const mostly = <T, U>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<U>, weight = 6) =>
  fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: odd })

export function recipesFor(route: FuzzedRoute, hints: Hints, ids: Ids): fc.Arbitrary<Recipe> {
  const all = Object.values(ids).flat()
  const own = ids[route.path.replace(/\/\{.*/, '')] ?? all
  return fc.record({
    caller: mostly(fc.constant('right' as const), fc.constantFrom('other' as const, 'none' as const), 12),
    segment: mostly(fc.constantFrom(...own), fc.constantFrom(...all, ...segments), 4),
    query: route.query === undefined ? fc.constant({}) : textsOf(likelyValuesOf(route.query, hints)),
    querySuffix: fc.constantFrom(...queryOddities),
    headers: mostly(
      fc.constant({} as Record<string, string>),
      fc.dictionary(fc.constantFrom(...headerNames), fc.constantFrom(...headerValues), {
        minKeys: 1,
        maxKeys: 4,
      }),
      3,
    ),
    contentType: mostly(fc.constant('application/json'), fc.constantFrom(...contentTypes), 12),
    body: bodiesOf(route.body, hints),
  })
}

function bodiesOf(schema: z.ZodType | undefined, hints: Hints): fc.Arbitrary<BodyRecipe> {
  const fitting = schema === undefined ? fc.constant({}) : likelyValuesOf(schema, hints)
  return fc.record({
    value: mostly(fitting, fc.jsonValue(), 12),
    change: mostly(
      fc.constant('none' as const),
      fc.constantFrom(
        'replace' as const,
        'remove' as const,
        'surplus' as const,
        'twice' as const,
        'whole' as const,
      ),
      2,
    ),
    at: fc.nat(1000),
    fragment: fc.constantFrom(...(Object.keys(fragments) as (keyof typeof fragments)[])),
    name: fc.constantFrom(...surplusNames),
    spoil: mostly(
      fc.constant('none' as const),
      fc.constantFrom(...(Object.keys(spoilers) as (keyof typeof spoilers)[])),
      8,
    ),
  })
}

/** The text of a body, with its change made in the JSON itself: no parser would give one with names twice. */
export function renderBody({ value, change, at, fragment, name, spoil }: BodyRecipe): string | Buffer {
  const hole = '\u{10fffd}'
  const root = { body: structuredClone(value) }
  const places = placesIn(root)
  const place = places[at % places.length] as Place
  const object = isObject(place.holder[place.key]) ? (place.holder[place.key] as Holder) : undefined
  let text = fragments[fragment]
  if (change === 'replace') place.holder[place.key] = hole
  else if (change === 'whole') root.body = hole
  else if (change === 'remove' && place.holder !== root) delete place.holder[place.key]
  else if (object !== undefined && (change === 'surplus' || change === 'twice')) {
    const given = change === 'twice' ? (Object.keys(object)[0] ?? name) : name
    text = `0,${JSON.stringify(given)}:${text}`
    object[`${hole}name`] = hole
  }
  return spoilers[spoil](JSON.stringify(root.body).replace(JSON.stringify(hole), () => text))
}

type Holder = Record<string, unknown>
interface Place {
  holder: Holder
  key: string
}

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function placesIn(holder: Holder): Place[] {
  return Object.entries(holder).flatMap(([key, value]) => [
    { holder, key },
    ...(typeof value === 'object' && value !== null ? placesIn(value as Holder) : []),
  ])
}

// --- Values that fit a schema ---------------------------------------------------------------------------------------

interface JsonSchema {
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: JsonSchema | boolean
  items?: JsonSchema
  minItems?: number
  minimum?: number
  maximum?: number
  format?: string
}

const inputSchemaOf = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema

/** Half of them with nothing but what is required or hinted at, which is most often taken. */
function likelyValuesOf(schema: z.ZodType, hints: Hints): fc.Arbitrary<unknown> {
  const all = inputSchemaOf(schema)
  return fc.oneof(valuesOf(narrowed(all, hints), hints), valuesOf(all, hints))
}

function narrowed(schema: JsonSchema, hints: Hints): JsonSchema {
  const { properties, required = [] } = schema
  if (properties === undefined) return schema
  const kept = Object.entries(properties).filter(
    ([name]) => required.includes(name) || hints[name] !== undefined,
  )
  return { ...schema, properties: Object.fromEntries(kept) }
}

const texts: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ minLength: 4, maxLength: 30 }),
  fc.constantFrom(
    '2999-01-01T00:00:00Z',
    '0001-01-01T00:00:00Z',
    'http://127.0.0.1:1/',
    'file:///etc/passwd',
  ),
  fc.constantFrom('-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----', 'MIIBAAAA', '{}', "'; --"),
)

function valuesOf(schema: JsonSchema, hints: Hints): fc.Arbitrary<unknown> {
  const variants = schema.anyOf ?? schema.oneOf
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (variants !== undefined) return fc.oneof(...variants.map((variant) => valuesOf(variant, hints)))
  switch (schema.type) {
    case 'string':
      if (schema.format === 'uuid' || schema.format === 'guid')
        return fc.oneof(fc.constantFrom(...(hints.id as string[])), fc.uuid())
      return schema.format === 'date-time'
        ? fc.oneof(
            fc.date({ noInvalidDate: true }).map((d) => d.toISOString()),
            texts,
          )
        : texts
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'integer':
    case 'number':
      return fc.oneof(
        fc.integer({
          min: schema.minimum ?? -5,
          max: Math.max(schema.minimum ?? -5, schema.maximum ?? 2 ** 31),
        }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
      )
    case 'array':
      return fc.array(valuesOf(schema.items ?? {}, hints), { minLength: schema.minItems ?? 0, maxLength: 5 })
    case 'object':
      return objectsOf(schema, hints)
    default:
      return fc.jsonValue()
  }
}

function objectsOf(
  { properties = {}, required = [], additionalProperties }: JsonSchema,
  hints: Hints,
): fc.Arbitrary<unknown> {
  const members = Object.entries(properties).map(([name, schema]) => {
    const hint = hints[name]
    const fitting = valuesOf(schema, hints)
    return [name, hint === undefined ? fitting : mostly(fc.constantFrom(...hint), fitting, 9)] as const
  })
  const named = fc.record(Object.fromEntries(members), {
    requiredKeys: required as never[],
    noNullPrototype: true,
  })
  if (typeof additionalProperties !== 'object') return named
  const more = fc.dictionary(fc.string({ maxLength: 12 }), valuesOf(additionalProperties, hints), {
    maxKeys: 4,
    noNullPrototype: true,
  })
  return fc.tuple(named, more).map(([fixed, free]) => ({ ...free, ...(fixed as object) }))
}

/** As query strings have it: texts only. */
const textsOf = (values: fc.Arbitrary<unknown>): fc.Arbitrary<Record<string, string>> =>
  values.map((value) =>
    Object.fromEntries(Object.entries(value as object).map(([name, each]) => [name, String(each)])),
  )
