import { expect, test } from '@jest/globals'
import { pathBelow } from './path-below.ts'

const base = 'https://api.example.com/v1'

test.each([
  [undefined, base],
  ['', base],
  ['/', `${base}/`],
  ['/orders/7', `${base}/orders/7`],
  ['orders/7', `${base}/orders/7`],
  ['?page=2', `${base}?page=2`],
  ['/orders?from=../a&to=//b', `${base}/orders?from=../a&to=//b`],
  ['/orders/{{ input.id }}', `${base}/orders/{{ input.id }}`],
  ['{{ input.path }}', `${base}/{{ input.path }}`],
  ['/users/joe@example.com', `${base}/users/joe@example.com`],
  ['/files/a%2Fb', `${base}/files/a%2Fb`],
  ['/discount/50%25', `${base}/discount/50%25`],
  ['/a..b/...', `${base}/a..b/...`],
  ['/größe', `${base}/größe`],
])('the path %j stands behind the base URL', (path, url) => {
  expect(pathBelow(base, path)).toBe(url)
})

test.each(['https://api.example.com', 'https://api.example.com/', 'https://api.example.com//'])(
  'what looks like a host behind %s is a path',
  (host) => {
    for (const path of ['@evil.example', '/@evil.example', '.evil.example', ':9000', '/:pw@evil.example/x'])
      expect(new URL(pathBelow(host, path)).host).toBe('api.example.com')
  },
)

test.each([
  'https://evil.example/',
  'HTTPS:evil',
  'javascript:alert(1)',
  '//evil.example/x',
  '///evil.example',
  '\\\\evil.example',
  '/\\evil.example',
  '/..',
  '..',
  '../v2',
  '/orders/../../v2',
  '/./x',
  '/%2e%2e/v2',
  '/%2E./v2',
  '/..%2fadmin',
  '/a%2f..%2f..%2fadmin',
  '/..%5cadmin',
  '/%252e%252e/admin',
  '/%25252e%25252e%25252fadmin',
  `/%${'25'.repeat(9)}2e%${'25'.repeat(9)}2e/`,
  '/%252e%252e%252f%25zz',
  '/%c0%ae%c0%ae/admin',
  '/..;/admin',
  '/..;a=b/admin',
  '/%2e%2e%3b/admin',
  '/.. /admin',
  '/．．/admin',
  '/‥/admin',
  '/%E2%80%A5/admin',
  '/..／admin',
  '/.\t./admin',
  '/.\n./admin',
  '/.%09./admin',
  '/a%00',
  '/a\0',
  '/\ud800',
  '/%zz',
])('the path %j is refused', (path) => {
  expect(() => pathBelow(base, path)).toThrow(
    expect.objectContaining({
      code: 'validation_failed',
      errors: [expect.objectContaining({ path: 'input.url' })],
    }),
  )
})

test.each([7, null, {}, ['/a']])('%j is no path', (path) => {
  expect(() => pathBelow(base, path)).toThrow(expect.objectContaining({ code: 'validation_failed' }))
})
