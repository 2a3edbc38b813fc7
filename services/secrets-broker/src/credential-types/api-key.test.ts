import { expect, test } from '@jest/globals'
import { apiKey } from './api-key.ts'
import { lendable } from './lend.ts'
import { faultPaths } from './try-credential.fixture.ts'

const extra = (value: object) => apiKey.extra.safeParse(value)

test('001.07e api_key goes into X-API-Key unless a header or a query parameter is named', () => {
  expect(extra({}).data).toEqual({ header_name: 'X-API-Key' })
  expect(extra({ header_name: 'X-Token' }).data).toEqual({ header_name: 'X-Token' })
  expect(extra({ query_name: 'api_key' }).data).toEqual({ query_name: 'api_key' })
  const lent = (value: object) => lendable('api_key', { key: 'key-0123' }, value as Record<string, unknown>)
  expect(lent({ header_name: 'X-Token' })).toEqual({
    redact: ['key-0123'],
    http: { headers: { 'X-Token': 'key-0123' }, query: {} },
  })
  expect(lent({ query_name: 'k' }).http).toEqual({ headers: {}, query: { k: 'key-0123' } })
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

test('001.17 names of the type’s own are no sensitive keys; others are', async () => {
  expect(await faultPaths('api_key', 'key-0123', { header_name: 'X-Auth-Token' })).toEqual([])
  expect(await faultPaths('api_key', 'key-0123', { header_name: 'X', 'Api-Key': 'x' })).toContain(
    'body.extra.Api-Key',
  )
})
