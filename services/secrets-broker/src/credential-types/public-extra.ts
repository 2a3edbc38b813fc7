import type { FieldError } from '@opsconductor/errors'
import { fieldErrors } from '@opsconductor/service-kit'
import { z } from 'zod'

const bytesMaxUsual = 16 * 1024
const depthMax = 10

const sensitiveParts = [
  'password',
  'passwd',
  'passphrase',
  'passcode',
  'secret',
  'token',
  'apikey',
  'privatekey',
  'accesskey',
  'signingkey',
  'encryptionkey',
  'credential',
  'authorization',
  'cookie',
  'connectionstring',
]
/** Too short to be looked for inside other words. */
const sensitiveWords = ['dsn', 'pwd', 'psk']
const sensitiveNames = ['auth', 'bearer', 'jwt', 'key', 'otp', 'pass', 'pin', 'pw']

/** Whether a field of this name would hold a secret, however it is written: `API-Key`, `dbPassword`, `ｓｅｃｒｅｔ`. */
export function isSensitiveName(name: string): boolean {
  const plain = name.normalize('NFKC').replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2')
  const words: readonly string[] = plain.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  const whole = words.join('')
  return (
    sensitiveParts.some((part) => whole.includes(part)) ||
    sensitiveWords.some((word) => words.includes(word)) ||
    sensitiveNames.includes(whole) ||
    words.at(-1) === 'pass'
  )
}

/** The public parts of a type that lets people add what they like. */
export const openExtra = z.record(z.string(), z.json())

/**
 * Parses the public parts and names everything that is wrong with them. A field that the type's schema knows is its own
 * business; in all others, at any depth, a name that speaks of a secret is refused.
 */
export function parseExtra<Extra>(
  schema: z.ZodType<Extra>,
  extra: Record<string, unknown>,
  bytesMax = bytesMaxUsual,
): { data: Extra } | { errors: FieldError[] } {
  const path = 'body.extra'
  if (isDeeper(extra, depthMax))
    return { errors: [{ path, message: `must not nest deeper than ${depthMax}` }] }
  if (Buffer.byteLength(JSON.stringify(extra)) > bytesMax)
    return { errors: [{ path, message: `must not be larger than ${bytesMax} bytes` }] }
  const known = knownNames(schema)
  const unknown = Object.fromEntries(Object.entries(extra).filter(([name]) => !known.includes(name)))
  const sensitive = sensitiveFields(unknown, path)
  const parsed = schema.safeParse(extra)
  if (parsed.success && sensitive.length === 0) return { data: parsed.data }
  return { errors: [...sensitive, ...(parsed.success ? [] : fieldErrors(parsed.error, path))] }
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some((inner) => isDeeper(inner, depth - 1))
}

function sensitiveFields(value: unknown, path: string): FieldError[] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap((item, index) => sensitiveFields(item, `${path}[${index}]`))
  return Object.entries(value).flatMap(([name, inner]) => {
    const at = `${path}.${name.slice(0, 100)}`
    return isSensitiveName(name)
      ? [{ path: at, message: 'must not be in extra, which is shown to readers: put it in secret' }]
      : sensitiveFields(inner, at)
  })
}

/** The names of an object schema, also of one that is refined, transformed or one of several. */
function knownNames(schema: unknown): string[] {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape)
  if (schema instanceof z.ZodPipe) return knownNames(schema.in)
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(knownNames)
  return []
}
