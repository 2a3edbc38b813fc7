import { AppError } from '@opsconductor/errors'
import { isDeeperThan } from '../json-limits.ts'

const depthMax = 100

/** The body as its content type says: JSON as its value, anything else as text, nothing as null. */
export function parseBody(text: string, contentType: string | undefined): unknown {
  if (text === '') return null
  if (!/^application\/(?:json|[\w.+-]+\+json)\s*(?:;|$)/i.test(contentType ?? '')) return text
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new AppError('step_failed', 'The target said that it answers JSON, but its answer is none.')
  }
  if (isDeeperThan(value, depthMax))
    throw new AppError('target_answer_too_large', `The target answered JSON nested deeper than ${depthMax}.`)
  return value
}
