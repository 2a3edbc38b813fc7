import type { HttpExchange } from './exchange.ts'

/** Bodies wait whole until the step is over: they are redacted before they are cut. */
const bodyCharactersMax = 32 * 1024 * 1024
const notKept = '[not kept: the step exchanged too much]'

/** Puts exchanges into the list, with their bodies for as long as a step that redirects and repeats may fill memory. */
export function keepExchanges(exchanges: HttpExchange[]): (exchange: HttpExchange) => void {
  let left = bodyCharactersMax
  const keep = (body: string | null) => {
    left -= body?.length ?? 0
    return left < 0 ? notKept : body
  }
  return (exchange) => {
    const { requestBody, responseBody } = exchange
    exchanges.push({ ...exchange, requestBody: keep(requestBody), responseBody: keep(responseBody) })
  }
}
