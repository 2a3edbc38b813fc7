import { createHash } from 'node:crypto'
import { AppError } from '@opsconductor/errors'

/** Deeper values have no use, and would overflow the stack. */
const depthMax = 100

/** SHA-256 (hex) of a JSON value in its canonical form (RFC 8785): the same for every way to write it down. */
export const hashJson = (value: unknown): string =>
  createHash('sha256').update(canonicalJson(value)).digest('hex')

/** JavaScript's own numbers, strings and order of names are those of the RFC. */
function canonicalJson(value: unknown, depth = 0): string {
  if (depth > depthMax) throw new AppError('validation_failed', 'The value is nested too deeply.')
  if (Array.isArray(value)) return `[${value.map((child) => canonicalJson(child, depth + 1)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, child]) => `${JSON.stringify(name)}:${canonicalJson(child, depth + 1)}`).join(',')}}`
}
