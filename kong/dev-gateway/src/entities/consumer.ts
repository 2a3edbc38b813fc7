import type { z } from 'zod'
import { identity, optional, record, text } from './fields.ts'
import type { Fields } from './violations.ts'

export const Consumer = record({
  ...identity,
  username: optional(text()),
  custom_id: optional(text()),
})
export type Consumer = z.infer<typeof Consumer>

export function consumerRules(consumer: Record<string, unknown>, updating: boolean): Fields {
  if (consumer.username || consumer.custom_id) return {}
  const when = updating ? 'when updating, ' : ''
  return {
    '@entity': [`${when}at least one of these fields must be non-empty: 'custom_id', 'username'`],
  }
}
