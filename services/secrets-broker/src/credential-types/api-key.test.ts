import { expect, test } from '@jest/globals'
import { apiKey } from './api-key.ts'

const extra = (value: object) => apiKey.extra.safeParse(value)

test('api_key goes into X-API-Key unless a header or a query parameter is named', () => {
  expect(extra({}).data).toEqual({ header_name: 'X-API-Key' })
  expect(extra({ header_name: 'X-Token' }).data).toEqual({ header_name: 'X-Token' })
  expect(extra({ query_name: 'api_key' }).data).toEqual({ query_name: 'api_key' })
  expect(apiKey.secretsToRedact({ key: 'key-0123' } as never)).toEqual(['key-0123'])
})

test('api_key refuses both places at once, names that are none, and headers that frame the request', () => {
  expect(extra({ header_name: 'X-Token', query_name: 'key' }).success).toBe(false)
  for (const header_name of [
    '',
    'X Token',
    'X-Token:',
    'a\nb',
    'Host',
    'content-LENGTH',
    'Transfer-Encoding',
    'Proxy-Authorization',
  ])
    expect(extra({ header_name }).success).toBe(false)
  for (const query_name of ['', 'a=b', 'a&b', 'a b', '%']) expect(extra({ query_name }).success).toBe(false)
  expect(apiKey.secret.safeParse({ key: 'key\r\n1234' }).success).toBe(false)
})
