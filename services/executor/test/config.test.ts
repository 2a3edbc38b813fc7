import { expect, test } from '@jest/globals'
import { readExecutorConfig } from '../src/config.ts'

test('every missing or wrong variable is named at once, and no value is shown', () => {
  const environment = {
    TEMPORAL_TLS: 'perhaps-a-secret',
    API_KEY_URL: 'ftp://a-secret',
    INTERNAL_KEY: 'short',
  }
  const read = () => readExecutorConfig(environment)
  for (const name of ['DATABASE_URL not set', 'TEMPORAL_TLS', 'API_KEY_URL', 'INTERNAL_KEY'])
    expect(read).toThrow(name)
  expect(read).not.toThrow('secret')
})

test('with the database and the internal key alone it runs beside a local stack', () => {
  const config = readExecutorConfig({
    DATABASE_URL: 'postgres://u:p@127.0.0.1:5433/opsconductor',
    INTERNAL_KEY: 'internal-key-for-tests-0123456789',
  })
  expect(config).toMatchObject({
    PUBLIC_PORT: 3014,
    INTERNAL_PORT: 3004,
    SECRETS_BROKER_URL: 'http://127.0.0.1:3003',
    TEMPORAL_ADDRESS: '127.0.0.1:7233',
  })
})
