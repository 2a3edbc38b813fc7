import { type Needle, needlesOf } from './needles.ts'
import { redacted, SecretValue } from './secret-value.ts'
import { cutOut, joined, type Span } from './spans.ts'
import { createStreamRedactor, type StreamRedactor } from './stream-redactor.ts'
import { type View, viewsOf } from './text-views.ts'

export interface Redactor {
  /** The text without any of the secrets. Redact before cutting a text, or half a secret may stay at the cut. */
  redact(text: string): string
  /** The same for every string, key and number of a JSON value; the value itself is not changed. */
  redactJson(value: unknown): unknown
  /** Secrets that are learnt later. Streams that began know them too. */
  add(...secrets: string[]): void
  /** The same for bytes that come piece by piece, text or not. */
  stream(windowBytes?: number): StreamRedactor
}

interface Index {
  needles: Map<string, Needle>
  /** Which lengths the needles have that begin with the same four bytes, longest first. */
  lengthsByStart: Map<number, number[]>
  /** A quick no for almost every place of a text. */
  filter: Uint8Array
}

const startBytes = 4

/**
 * Removes `secrets` by value wherever a target might echo them: raw, hex, base64 at every alignment in both alphabets,
 * and any of these inside percent-, form-, JSON- or HTML-encoding or wrapped over lines. Secrets under 4 characters
 * are ignored. Time is linear in the text.
 */
export function createRedactor(given: readonly string[]): Redactor {
  let secrets: readonly string[] = given
  let index = createIndex(secrets.flatMap(needlesOf))
  const options = () => ({
    spaces: secrets.some((secret) => secret.includes(' ')),
    wrapped: secrets.some((secret) => secret.length >= 32),
  })
  const spansIn = (bytes: Buffer): Span[] =>
    bytes.length < startBytes || index.needles.size === 0
      ? []
      : joined(viewsOf(bytes, options()).flatMap((view) => spansOf(index, view)))
  const redact = (text: string): string => {
    const bytes = Buffer.from(text)
    const spans = spansIn(bytes)
    return spans.length === 0 ? text : cutOut(bytes, spans).toString()
  }
  return {
    redact,
    redactJson: (value) => mapJson(value, redact),
    add(...more) {
      secrets = [...secrets, ...more.filter((one) => !secrets.includes(one))]
      index = createIndex(secrets.flatMap(needlesOf))
    },
    stream: (windowBytes = 256 * 1024) => createStreamRedactor(windowBytes, spansIn, cutOut),
  }
}

function createIndex(needles: readonly Needle[]): Index {
  const index: Index = { needles: new Map(), lengthsByStart: new Map(), filter: new Uint8Array(65_536) }
  for (const needle of needles) {
    const known = index.needles.get(needle.text)
    const { before = 0, after = 0 } = known ?? {}
    index.needles.set(needle.text, {
      text: needle.text,
      before: Math.max(before, needle.before),
      after: Math.max(after, needle.after),
    })
    const start = Buffer.from(needle.text, 'latin1').readInt32BE(0)
    const lengths = index.lengthsByStart.get(start) ?? []
    if (!lengths.includes(needle.text.length)) lengths.push(needle.text.length)
    index.lengthsByStart.set(
      start,
      lengths.sort((a, b) => b - a),
    )
    index.filter[slotOf(start)] = 1
  }
  return index
}

const slotOf = (start: number): number => Math.imul(start, 0x9e3779b1) >>> 16

/** Where in the original text the needles stand. */
function spansOf(index: Index, view: View): Span[] {
  const { bytes, starts } = view
  const spans: Span[] = []
  let start = 0
  for (let i = 0; i < bytes.length; i++) {
    start = (start << 8) | (bytes[i] as number)
    if (i < startBytes - 1 || index.filter[slotOf(start)] === 0) continue
    const at = i - startBytes + 1
    const needle = needleAt(index, bytes, start, at)
    if (needle === undefined) continue
    const end = at + needle.text.length
    const first = needle.before > 0 && isBase64(bytes[at - 1]) ? at - 1 : at
    const last = needle.after > 0 && isBase64(bytes[end]) ? end + 1 : end
    spans.push([starts[first] as number, starts[last] as number])
  }
  return spans
}

function needleAt(index: Index, bytes: Buffer, start: number, at: number): Needle | undefined {
  for (const length of index.lengthsByStart.get(start) ?? []) {
    const needle = index.needles.get(bytes.toString('latin1', at, at + length))
    if (needle !== undefined) return needle
  }
  return undefined
}

const isBase64 = (byte: number | undefined): boolean =>
  byte !== undefined && /[A-Za-z0-9+/_-]/.test(String.fromCharCode(byte))

/** A copy of a JSON value with `change` applied to its strings and keys. Not recursive: depth is the sender's choice. */
function mapJson(value: unknown, change: (text: string) => string): unknown {
  const root: { value?: unknown } = {}
  const waiting: { from: object; to: object }[] = []
  const copy = (item: unknown): unknown => {
    if (typeof item === 'string') return change(item)
    if (typeof item === 'number') {
      const text = String(item)
      return change(text) === text ? item : redacted
    }
    if (item instanceof SecretValue) return redacted
    if (typeof item !== 'object' || item === null) return item
    const to = Array.isArray(item) ? [] : {}
    waiting.push({ from: item, to })
    return to
  }
  root.value = copy(value)
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { from, to } = next
    if (Array.isArray(from)) for (const item of from) (to as unknown[]).push(copy(item))
    // defineProperty: a key may be `__proto__`.
    else
      for (const [key, item] of Object.entries(from))
        Object.defineProperty(to, change(key), {
          value: copy(item),
          enumerable: true,
          writable: true,
          configurable: true,
        })
  }
  return root.value
}
