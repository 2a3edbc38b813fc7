import { flag, integer, optional, record, text } from '../entities/fields.ts'
import type { Fields } from '../entities/violations.ts'
import { type Answer, definePlugin } from './plugin.ts'

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
  consumerAllowed: true,
  config: record({
    status_code: integer(100, 599).default(503),
    message: optional(text()),
    content_type: optional(text()),
    body: optional(text()),
    trigger: optional(text()),
    echo: flag()
      .refine((value) => !value, 'the dev gateway does not echo requests')
      .default(false),
  }).prefault({}),
  rules(config): Fields {
    if (config.message && (config.content_type || config.body)) {
      return { config: 'message cannot be used with content_type or body' }
    }
    return config.content_type && !config.body ? { config: 'content_type requires a body' } : {}
  },
  start(config) {
    const trigger = config.trigger?.toLowerCase()
    const message = config.message ?? defaultMessages[config.status_code]
    const answer: Answer =
      config.body === null
        ? { status: config.status_code, json: { message } }
        : {
            status: config.status_code,
            body: config.body,
            contentType: withCharset(config.content_type ?? 'application/json; charset=utf-8'),
          }
    return ({ request, query }) => {
      if (trigger === undefined) return answer
      const triggered = request.headers[trigger] !== undefined || new URLSearchParams(query).has(trigger)
      return triggered ? answer : undefined
    }
  },
})
