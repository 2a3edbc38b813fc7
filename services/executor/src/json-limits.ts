/** True where the JSON value nests arrays and objects deeper than `max`. Never goes deeper itself. */
export function isDeeperThan(value: unknown, max: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (max === 0) return true
  return Object.values(value).some((item) => isDeeperThan(item, max - 1))
}

/**
 * The value with U+FFFD in place of what PostgreSQL stores neither in text nor in jsonb: NUL and halves of surrogate
 * pairs. For what targets answer: their bytes are not our choice.
 */
export function toStorable(value: unknown): unknown {
  if (typeof value === 'string') return toStorableText(value)
  if (Array.isArray(value)) return value.map(toStorable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [toStorableText(key), toStorable(item)]),
  )
}

export const toStorableText = (text: string): string => text.toWellFormed().replaceAll('\0', '\ufffd')
