import { AppError } from '@opsconductor/errors'
import { isDeeperThan } from '../../json-limits.ts'
import { parseXml } from './parse-xml.ts'

const depthMax = 100
const isJson = /^application\/(?:json|x-amz-json-1\.[01]|[\w.+-]+\+json)\s*(?:;|$)/i
const isXml = /^(?:(?:application|text)\/xml|application\/[\w.+-]+\+xml)\s*(?:;|$)/i

/** The body as its content type says: JSON and XML as their values, anything else as text, nothing as null. */
export function parseBody(text: string, contentType = ''): unknown {
  if (text === '') return null
  if (isXml.test(contentType)) return parseXml(text)
  return isJson.test(contentType) ? parseJson(text) : text
}

/** The text in the character set that its content type names, UTF-8 where it names none that we know. */
export function decodeText(bytes: Uint8Array, contentType = ''): string {
  const [, label = 'utf-8'] = /;\s*charset="?([\w:.-]{1,40})/i.exec(contentType) ?? []
  return decoderOf(label).decode(bytes)
}

function decoderOf(label: string) {
  try {
    return new TextDecoder(label)
  } catch {
    return new TextDecoder()
  }
}

function parseJson(text: string): unknown {
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
