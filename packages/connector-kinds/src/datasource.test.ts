import { expect, test } from '@jest/globals'
import { datasource } from './datasource.ts'
import { tryKind } from './try-kind.fixture.ts'

test('data is read below the base URL, by steps that get and steps that post', () => {
  const { apply, check, fault } = tryKind(datasource, { base_url: 'https://data.example.com' })
  expect(datasource.stepTypes).toEqual(['http.get', 'http.post'])
  expect(apply({ url: '/q', json: { sql: '…' } }, 'http.post')).toEqual({
    url: 'https://data.example.com/q',
    json: { sql: '…' },
  })
  expect(check).toEqual({ kind: 'http', method: 'GET', url: 'https://data.example.com' })
  expect(fault({ url: '//evil.example' })).toMatchObject({ path: 'input.url' })
})
