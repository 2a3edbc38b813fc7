import { expect, test } from '@jest/globals'
import { createRedactor } from '@opsconductor/redact'
import type { HttpExchange } from '../http/exchange.ts'
import { storedExchange } from './stored-exchange.ts'

const exchange: HttpExchange = {
  method: 'GET',
  url: 'http://h/?key=open-sesame',
  requestHeaders: { authorization: 'Bearer other', 'x-note': 'open-sesame' },
  requestBody: null,
  status: 200,
  responseHeaders: { 'set-cookie': 'a=b' },
  responseBody: 'ok\0\ud800',
  responseTimeMs: 1,
}

test('lent secrets, secret headers and bytes that cannot be stored are replaced', () => {
  expect(storedExchange(exchange, createRedactor(['open-sesame']))).toEqual({
    ...exchange,
    url: 'http://h/?key=[redacted]',
    requestHeaders: { authorization: '[redacted]', 'x-note': '[redacted]' },
    responseHeaders: { 'set-cookie': '[redacted]' },
    responseBody: 'ok\ufffd\ufffd',
  })
})

test('000.07 bodies are cut at 64 KB, and a secret across the cut leaves no part of itself', () => {
  const responseBody = `${'x'.repeat(64 * 1024 - 5)}open-sesame${'y'.repeat(100)}`
  const { responseBody: stored } = storedExchange(
    { ...exchange, responseBody },
    createRedactor(['open-sesame']),
  )
  expect(stored).toHaveLength(64 * 1024)
  expect(stored).not.toContain('open')
})
