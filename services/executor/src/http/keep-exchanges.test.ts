import { expect, test } from '@jest/globals'
import type { HttpExchange } from './exchange.ts'
import { keepExchanges } from './keep-exchanges.ts'

test('every exchange is kept, but only so much of their bodies as memory may be filled with', () => {
  const kept: HttpExchange[] = []
  const keep = keepExchanges(kept)
  const exchange = {
    ...{ method: 'GET', url: 'https://h.example/', requestHeaders: {}, requestBody: null },
    ...{ status: 503, responseHeaders: {}, responseTimeMs: 1 },
  }
  for (let i = 0; i < 10; i++) keep({ ...exchange, responseBody: 'x'.repeat(10 * 1024 * 1024) })
  expect(kept).toHaveLength(10)
  const bodies = kept.map(({ responseBody }) => responseBody?.slice(0, 9))
  expect(bodies).toEqual([...Array(3).fill('x'.repeat(9)), ...Array(7).fill('[not kept')])
})
