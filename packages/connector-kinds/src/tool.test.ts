import { expect, test } from '@jest/globals'
import { tool } from './tool.ts'
import { faultsOf, tryKind } from './try-kind.fixture.ts'

const url = 'https://tools.example.com/weather'
const input_schema = { type: 'object', required: ['city'] }

test('the tool is what its connector says: a step gives the arguments alone', () => {
  const { apply, fault } = tryKind(tool, { url, input_schema })
  expect(apply({ arguments: { city: 'Bern' } })).toEqual({
    url,
    method: 'POST',
    input_schema,
    arguments: { city: 'Bern' },
  })
  for (const field of ['url', 'method', 'input_schema'])
    expect(fault({ [field]: undefined })).toMatchObject({ path: `input.${field}` })
})

test('what is left out is not there', () => {
  expect(tryKind(tool, { url, method: 'GET' }).apply()).toEqual({ url, method: 'GET' })
  expect(faultsOf(tool, { url, method: 'CONNECT' })).toEqual(['method'])
})

test('its schema is one of those that must compile', () => {
  expect(tool.jsonSchemas).toEqual(['input_schema'])
})
