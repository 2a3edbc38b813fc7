import { expect, test } from '@jest/globals'
import { llm } from './llm.ts'
import { faultsOf, tryKind } from './try-kind.fixture.ts'

const settings = { base_url: 'https://llm.example.com/v1', model: 'small', temperature: 0.2 }

test('the model and its limits are those of the connector, unless a step names others; the place is its own', () => {
  const { apply, fault } = tryKind(llm, settings)
  const messages = [{ role: 'user', content: 'hello' }]
  expect(apply({ messages })).toEqual({ ...settings, messages })
  expect(apply({ messages, model: 'large', max_tokens: 9 })).toEqual({
    ...settings,
    model: 'large',
    max_tokens: 9,
    messages,
  })
  expect(fault({ base_url: 'https://evil.example' })).toMatchObject({ path: 'input.base_url' })
})

test('it is checked by asking for its models, which costs nothing', () => {
  expect(tryKind(llm, { ...settings, headers: { 'X-Org': 'acme' } }).check).toEqual({
    kind: 'http',
    method: 'GET',
    url: 'https://llm.example.com/v1/models',
    headers: { 'X-Org': 'acme' },
  })
})

test.each([
  [{ base_url: settings.base_url }, 'model'],
  [{ ...settings, temperature: 3 }, 'temperature'],
  [{ ...settings, max_tokens: 0 }, 'max_tokens'],
])('the settings %j are refused at %s', (given, path) => {
  expect(faultsOf(llm, given)).toEqual([path])
})
