import { vaultError } from './vault-error.ts'

/** The keys of a secret as texts: what is no string is JSON, null is left out. */
export function textValues(data: Record<string, unknown>): Record<string, string> {
  try {
    return Object.fromEntries(
      Object.entries(data).flatMap(([key, value]) =>
        value === null || value === undefined
          ? []
          : [[key, typeof value === 'string' ? value : JSON.stringify(value)]],
      ),
    )
  } catch {
    // Nested deeper than JSON.stringify goes.
    throw vaultError('vault_bad_answer', 'The secret in the vault is nested too deep.')
  }
}

/** A secret that its vault keeps as one text: `value` is all of it, and the keys of a JSON object are there too. */
export function valuesOfText(text: string): Record<string, string> {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return { value: text }
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return { value: text }
  return { value: text, ...textValues(parsed as Record<string, unknown>) }
}
