import { type Redactor, redacted } from '@opsconductor/redact'
import type { HttpExchange } from '../http/exchange.ts'
import { toStorable, toStorableText } from '../json-limits.ts'

const bodyCharactersMax = 64 * 1024
/** Hidden whatever they hold: what a target sets or a job passes on here is a secret of somebody. */
const secretHeaders = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key'])

/** The exchange as its row keeps it: without the lent secrets, bodies cut. Redacted before it is cut, so that no part stays. */
export function storedExchange(exchange: HttpExchange, redactor: Redactor): HttpExchange {
  const text = (value: string | null) =>
    value === null ? null : toStorableText(redactor.redact(value)).slice(0, bodyCharactersMax).toWellFormed()
  const headers = (values: Record<string, string> | null) =>
    values === null
      ? null
      : (toStorable(redactor.redactJson(hideSecretHeaders(values))) as Record<string, string>)
  return {
    ...exchange,
    url: text(exchange.url) as string,
    requestHeaders: headers(exchange.requestHeaders) as Record<string, string>,
    requestBody: text(exchange.requestBody),
    responseHeaders: headers(exchange.responseHeaders),
    responseBody: text(exchange.responseBody),
  }
}

const hideSecretHeaders = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, secretHeaders.has(name) ? redacted : value]),
  )
