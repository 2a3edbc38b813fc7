import { expect, test } from '@jest/globals'
import { isHostAllowed } from './host-limit.ts'

test.each([
  [['api.example.com'], 'api.example.com'],
  [['api.example.com'], 'API.example.com.'],
  [['other.com', '10.0.0.1'], '10.0.0.1'],
  [['::1'], '[::1]'],
  [['0:0:0:0:0:0:0:1'], '[::1]'],
  [['*.example.com'], 'a.example.com'],
  [['*.example.com'], 'a.b.example.com'],
])('limits %j let a credential go to %s', (limits, host) => {
  expect(isHostAllowed(limits, host)).toBe(true)
})

test.each([
  [[], 'api.example.com'],
  [['api.example.com'], 'example.com'],
  [['api.example.com'], 'evil-api.example.com'],
  [['api.example.com'], 'api.example.com.evil.com'],
  [['*.example.com'], 'example.com'],
  [['*.example.com'], '.example.com'],
  [['*.example.com'], 'evilexample.com'],
  [['*.example.com'], 'a.example.com.evil.com'],
  [['10.0.0.1'], '10.0.0.10'],
  [['127.0.0.1'], 'localhost'],
  [['::1'], '[::2]'],
])('limits %j keep a credential from %s', (limits, host) => {
  expect(isHostAllowed(limits, host)).toBe(false)
})
