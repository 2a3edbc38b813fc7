import { expect, test } from '@jest/globals'
import { externalAgent } from './external-agent.ts'
import { faultsOf, tryKind } from './try-kind.fixture.ts'

const url = 'https://agent.example.com/run?v=2'

test('the agent is called at its own URL, which a step cannot change', () => {
  const { apply, fault } = tryKind(externalAgent, { url, headers: { 'X-Tenant': 'acme' } })
  expect(apply({ input: { a: 1 } })).toEqual({ url, headers: { 'X-Tenant': 'acme' }, input: { a: 1 } })
  expect(fault({ url: 'https://evil.example', input: {} })).toEqual({
    code: 'validation_failed',
    path: 'input.url',
    message: 'is what the connector says',
  })
})

test('it is checked where it says how it is, on the same host, or else by a GET that need not do anything', () => {
  expect(tryKind(externalAgent, { url }).check).toMatchObject({
    url,
    expect_status: expect.arrayContaining([200, 405]),
  })
  const health_url = 'https://agent.example.com:8081/health'
  expect(tryKind(externalAgent, { url, health_url }).check).toEqual({
    kind: 'http',
    method: 'GET',
    url: health_url,
  })
  expect(faultsOf(externalAgent, { url, health_url: 'https://evil.example/health' })).toEqual(['health_url'])
  expect(faultsOf(externalAgent, { url: 'nowhere', health_url })).toContain('url')
})
