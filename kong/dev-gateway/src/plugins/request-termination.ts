import { z } from 'zod'
import { integer, optional, text } from '../entities/fields.ts'
import { type Answer, jsonBody } from '../proxy/answers.ts'
import { definePlugin } from './plugin.ts'

const defaultMessages: Record<number, string> = {
  401: 'Unauthorized',
  404: 'Not found',
  405: 'Method not allowed',
  500: 'An unexpected error occurred',
  502: 'Bad gateway',
  503: 'Service unavailable',
}

/** nginx adds the charset to text types that come without one. */
const withCharset = (type: string) =>
  type.startsWith('text/') && !type.includes('charset') ? `${type}; charset=UTF-8` : type

export const requestTermination = definePlugin({
  name: 'request-termination',
  priority: 2,
  config: z
    .strictObject({
      status_code: integer(100, 599).default(503),
      message: optional(text()),
      content_type: optional(text()),
      body: optional(text()),
    })
    .prefault({}),
  check({ message, content_type, body }, complain) {
    if (message && (content_type || body)) {
      complain(['config'], 'message cannot be used with content_type or body')
    } else if (content_type && !body) {
      complain(['config'], 'content_type requires a body')
    }
  },
  start({ status_code: status, message, content_type, body: given }) {
    const type = withCharset(content_type ?? 'application/json; charset=utf-8')
    const body =
      given === null ? jsonBody({ message: message ?? defaultMessages[status] }) : { type, text: given }
    const answer: Answer = { status, body }
    return () => answer
  },
})
