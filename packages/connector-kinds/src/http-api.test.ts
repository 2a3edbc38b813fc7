import { expect, test } from '@jest/globals'
import { httpApi } from './http-api.ts'
import { faultsOf, tryKind } from './try-kind.fixture.ts'

const settings = {
  base_url: 'https://shop.example.com/api/',
  headers: { 'X-Tenant': 'acme', Accept: 'text/csv' },
}

test('a step names a path below the base URL, and its own headers come before those of the connector', () => {
  const { apply } = tryKind(httpApi, settings)
  expect(
    apply({
      url: '/orders/{{ input.id }}',
      headers: { ACCEPT: 'application/json', a: 'b' },
      query: { q: 1 },
    }),
  ).toEqual({
    url: 'https://shop.example.com/api/orders/{{ input.id }}',
    headers: { 'X-Tenant': 'acme', ACCEPT: 'application/json', a: 'b' },
    query: { q: 1 },
  })
  expect(apply()).toEqual({ url: settings.base_url, headers: settings.headers })
})

test('what is wrong with a step stays for its type to say, and the input that was given is not touched', () => {
  const input = Object.freeze({ url: '/a', headers: 'none' })
  expect(tryKind(httpApi, settings).apply(input).headers).toBe('none')
  expect(tryKind(httpApi, { base_url: 'https://a.example' }).apply({ url: 'b' })).toEqual({
    url: 'https://a.example/b',
  })
})

test('a path that leaves the base URL is refused with its place', () => {
  expect(tryKind(httpApi, settings).fault({ url: 'https://evil.example/' })).toMatchObject({
    code: 'validation_failed',
    path: 'input.url',
  })
})

test('it is checked at the base URL, or at the path that says how it is, with its headers', () => {
  expect(tryKind(httpApi, settings).check).toEqual({
    kind: 'http',
    method: 'GET',
    url: settings.base_url,
    headers: settings.headers,
  })
  expect(tryKind(httpApi, { ...settings, health_path: '/health' }).check).toMatchObject({
    url: 'https://shop.example.com/api/health',
  })
})

test.each([
  [{}, 'base_url'],
  [{ base_url: 'https://a.example?x' }, 'base_url'],
  [{ base_url: 'https://a.example', headers: { Authorization: 'Bearer x' } }, 'headers.Authorization'],
  [{ base_url: 'https://a.example', health_path: '//evil.example' }, 'health_path'],
  [{ base_url: 'https://a.example', health_path: '../x' }, 'health_path'],
  [{ base_url: 'https://a.example', password: 'x' }, ''],
])('the settings %j are refused at %s', (given, path) => {
  expect(faultsOf(httpApi, given)).toEqual([path])
})
