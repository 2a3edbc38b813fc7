import { expect, test } from '@jest/globals'
import { AppError } from '@opsconductor/errors'
import { credentialTypeNames } from './index.ts'
import { parseCredential } from './parse-credential.ts'

function faultsOf(type: string, secret: string | Record<string, string>, extra = {}): [string, string][] {
  try {
    parseCredential({ type, secret, extra })
  } catch (error) {
    if (error instanceof AppError) return (error.errors ?? []).map(({ path, message }) => [path, message])
    throw error
  }
  return []
}

test('every wrong part is reported at once, secret and extra', () => {
  expect(faultsOf('http_basic', 'abc', { username: 'a:b' }).map(([path]) => path)).toEqual([
    'body.secret',
    'body.extra.username',
  ])
})

test('a field that the secret does not have is not named: its name may be the secret', () => {
  const faults = faultsOf('bearer_token', { token: 'tok-0123456789', 'hunter2!': 'abcd' })
  expect(faults).toEqual([['body.secret', 'has a field that this credential type does not have']])
})

test('001.16 the types of the first slice are known', () => {
  expect(credentialTypeNames).toEqual(['http_basic', 'bearer_token', 'api_key', 'db_dsn'])
})

test('a DSN whose password is too short to be removed from answers is refused', () => {
  expect(faultsOf('db_dsn', 'postgres://u:abc@h/d')).toEqual([
    ['body.secret', expect.stringContaining('at least 4 characters')],
  ])
})
