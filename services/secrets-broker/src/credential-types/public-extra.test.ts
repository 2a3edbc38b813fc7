import { expect, test } from '@jest/globals'
import { z } from 'zod'
import { openExtra, parseExtra } from './public-extra.ts'

function pathsOf(extra: Record<string, unknown>, schema: z.ZodType = openExtra): string[] {
  const parsed = parseExtra(schema, extra)
  return 'errors' in parsed ? parsed.errors.map(({ path }) => path) : []
}

test.each([
  'password',
  'Password',
  'PASS_WORD',
  'db.password',
  'dbPassword',
  'passwd',
  'pass',
  'smtpPass',
  'pwd',
  'userPwd',
  'passphrase',
  'secret',
  'client-secret',
  'CLIENTSECRET',
  'token',
  'access_token',
  'api_key',
  'apikey',
  'API Key',
  'x-api-key',
  'private_key',
  'access_key',
  'accessKeyId',
  'credential',
  'credentials',
  'authorization',
  'Proxy-Authorization',
  'Set-Cookie',
  'dsn',
  'DB_DSN',
  'key',
  'auth',
  'ｐａｓｓｗｏｒｄ',
  'pass\u200bword',
])('001.17 the key %j is refused in extra, at the top, nested and in lists, named by its path', (name) => {
  expect(pathsOf({ [name]: 1 })).toEqual([`body.extra.${name}`])
  expect(pathsOf({ nested: { [name]: 'x' } })).toEqual([`body.extra.nested.${name}`])
  expect(pathsOf({ list: [0, { [name]: null }] })).toEqual([`body.extra.list[1].${name}`])
})

test('001.17 every sensitive key is named, and no value is quoted', () => {
  const parsed = parseExtra(openExtra, { nested: { Password: 'hunter2' }, TOKEN: 'hunter2', fine: 'x' })
  expect('errors' in parsed && parsed.errors.map(({ path }) => path)).toEqual([
    'body.extra.nested.Password',
    'body.extra.TOKEN',
  ])
  expect(JSON.stringify(parsed)).not.toContain('hunter2')
})

test.each([
  'host',
  'header_name',
  'key_name',
  'keyboard',
  'author',
  'compass',
  'bypass',
  'auth_type',
  'region',
])('the key %j is a public one', (name) => {
  expect(pathsOf({ [name]: 'x', nested: { [name]: 'x' } })).toEqual([])
})

test('a name that the type’s schema has is the schema’s business, whatever the schema is made of', () => {
  const fields = z.strictObject({ token_url: z.string(), map: z.record(z.string(), z.string()) })
  const given = { token_url: 'x', map: { password: 'data.password' } }
  for (const schema of [
    fields,
    fields.refine(() => true),
    fields.transform((x) => x),
    z.union([fields, z.strictObject({ other: z.string() })]),
    z.discriminatedUnion('token_url', [fields.extend({ token_url: z.literal('x') })]),
  ])
    expect(pathsOf(given, schema)).toEqual([])
  expect(pathsOf({ ...given, nested: { Password: 'x' } }, fields)).toEqual([
    'body.extra.nested.Password',
    'body.extra',
  ])
})

const nested = (depth: number): object => (depth === 1 ? { a: 1 } : { a: nested(depth - 1) })

test('extra is at most 16 KB and 10 levels deep', () => {
  expect(pathsOf(nested(10) as Record<string, unknown>)).toEqual([])
  expect(pathsOf(nested(11) as Record<string, unknown>)).toEqual(['body.extra'])
  expect(pathsOf({ a: 'x'.repeat(16_376) })).toEqual([])
  expect(pathsOf({ a: 'x'.repeat(16_377) })).toEqual(['body.extra'])
  expect(pathsOf({ a: 'ü'.repeat(8_189) })).toEqual(['body.extra'])
})
