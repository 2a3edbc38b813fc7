import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type RunningBroker, send, startBroker } from './running-broker.ts'

let broker: RunningBroker
let asOwner: Record<string, string>
beforeAll(async () => {
  broker = await startBroker({ LOG_LEVEL: 'silent' })
  asOwner = (await broker.createProject()).asOwner
})
afterAll(() => broker.stop())

const upsertPath = '/internal/secrets/credential-upsert'
const host = { host: 'web-01', purpose: 'ssh', password: 'passw0rd' }
const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`

test.each<[string, object, string]>([
  ['an empty host', { host: '' }, 'body.host'],
  ['a host of 256 characters', { host: 'x'.repeat(256) }, 'body.host'],
  ['a host with NUL', { host: 'a\0b' }, 'body.host'],
  ['a host with half a surrogate pair', { host: '\ud800' }, 'body.host'],
  ['a host that is a list', { host: ['a'] }, 'body.host'],
  ['a purpose of 51 characters', { purpose: 'x'.repeat(51) }, 'body.purpose'],
  ['no purpose', { purpose: undefined }, 'body.purpose'],
  ['an empty password', { password: '' }, 'body.password'],
  ['a password of 3 characters', { password: 'abc' }, 'body.password'],
  ['a password over a million characters', { password: 'x'.repeat(1_000_001) }, 'body.password'],
  ['a password with NUL', { password: 'abc\0def' }, 'body.password'],
  ['a number as password', { password: 12345678 }, 'body.password'],
  ['a user name of 256 characters', { username: 'x'.repeat(256) }, 'body.username'],
  ['additional_data that is a list', { additional_data: [] }, 'body.additional_data'],
  [
    'additional_data with NUL in a value',
    { additional_data: { a: { b: '\0' } } },
    'body.additional_data.a.b',
  ],
  ['additional_data with NUL in a name', { additional_data: { 'a\0': 1 } }, 'body.additional_data'],
])('upsert with %s is refused with 422 naming the field', async (_, change, path) => {
  const { status, body } = await broker.internal('POST', upsertPath, { ...host, ...change })
  expect([status, body.errors[0]?.path]).toEqual([422, path])
})

test('a password of a million characters and any Unicode comes back as it was', async () => {
  for (const password of [
    'x'.repeat(1_000_000),
    '🔑'.repeat(1000),
    ' \t\n"\\\u0001\u2028',
    '\uffff\ufeff!!',
  ]) {
    expect((await broker.internal('POST', upsertPath, { ...host, password })).status).toBe(200)
    const { body } = await broker.internal('POST', '/internal/secrets/credential-lookup', {
      host: host.host,
      purpose: host.purpose,
    })
    expect(body.password === password).toBe(true)
  }
})

test('hosts that look like SQL, paths or prototypes are plain texts', async () => {
  for (const name of [
    `'; DROP TABLE secrets.host_credentials; --`,
    '../../etc',
    '__proto__',
    '%00',
    '$(x)',
    '日本',
  ]) {
    const { status } = await broker.internal('POST', upsertPath, { ...host, host: name })
    expect(status).toBe(200)
    const query = new URLSearchParams({ host: name, purpose: 'ssh' })
    const deleted = await broker.internal('DELETE', `/internal/secrets/credential-delete?${query}`)
    expect([deleted.status, deleted.body.host]).toEqual([200, name])
  }
})

test('a __proto__ in additional_data reaches no prototype', async () => {
  const text = '{"host":"web-02","purpose":"ssh","additional_data":{"__proto__":{"polluted":true},"a":1}}'
  expect((await broker.internal('POST', upsertPath, text)).status).toBeLessThan(500)
  const { status, body } = await broker.internal('POST', '/internal/secrets/credential-lookup', {
    host: 'web-02',
    purpose: 'ssh',
  })
  expect([status, body.additional_data, ({} as { polluted?: boolean }).polluted]).toEqual([
    200,
    { a: 1 },
    undefined,
  ])
})

test.each([
  '',
  '?host=a',
  '?purpose=ssh',
  '?host=&purpose=ssh',
  '?host=a&host=b&purpose=ssh',
  '?host=a%00b&purpose=ssh',
  `?host=${'x'.repeat(256)}&purpose=ssh`,
  '?host[a]=b&purpose=ssh',
])('delete with the query %j is refused with 400', async (query) => {
  const { status, body } = await broker.internal('DELETE', `/internal/secrets/credential-delete${query}`)
  expect([status, body.code]).toEqual([400, 'invalid_request'])
})

test.each<[string, string, number]>([
  ['not JSON', '{"host"', 400],
  ['a number', '7', 422],
  ['null', 'null', 422],
  ['a list', '[]', 422],
  ['10,000 levels deep', `{"additional_data":${deep(10_000)}}`, 422],
  ['over the limit', `{"a":"${'x'.repeat(4 * 1024 * 1024)}"}`, 413],
  ['empty', '', 422],
  ['two of one field', '{"name":"a","secret":{"token":"one","to\\u006ben":"two"}}', 400],
])('a body that is %s is refused on every endpoint that takes one', async (_, body, expected) => {
  const key = { 'x-internal-key': broker.deps.keys.own, 'content-type': 'application/json' }
  for (const path of [
    upsertPath,
    '/internal/secrets/credential-lookup',
    '/internal/secrets/credentials/x/use',
  ])
    expect((await send(broker.internalUrl + path, { method: 'POST', headers: key, body })).status).toBe(
      expected,
    )
  const headers = { ...asOwner, 'content-type': 'application/json' }
  for (const path of [
    'credentials',
    `credentials/${randomUUID()}/rollback`,
    'trust/host-keys',
    'trust/ca-bundles',
  ]) {
    const answer = await send(`${broker.publicUrl}/api/${path}`, { method: 'POST', headers, body })
    expect(answer.status).toBe(expected)
  }
})

test('a body of another content type is refused with 415', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])
    expect(
      (
        await send(broker.internalUrl + upsertPath, {
          method: 'POST',
          headers: { 'x-internal-key': broker.deps.keys.own, 'content-type': type },
          body: JSON.stringify(host),
        })
      ).status,
    ).toBe(415)
})

const token = { name: 'token', type: 'bearer_token', secret: 'tok-0123456789' }

test.each<[string, object, string]>([
  ['no name', { name: undefined }, 'body.name'],
  ['a blank name', { name: '   ' }, 'body.name'],
  ['a name with a line end', { name: 'a\nb' }, 'body.name'],
  ['a name with NUL', { name: 'a\0b' }, 'body.name'],
  ['a name of 256 characters', { name: 'x'.repeat(256) }, 'body.name'],
  ['a name that is a UUID', { name: 'b2c7d1de-3f70-4b63-9a5e-0d8f3a1f2c11' }, 'body.name'],
  ['a description with half a surrogate pair', { description: '\udc00' }, 'body.description'],
  ['no secret', { secret: undefined }, 'body.secret'],
  ['a secret that is a number', { secret: 12345678 }, 'body.secret'],
  ['a secret with NUL', { secret: 'abcd\0efgh' }, 'body.secret'],
  ['a secret that is empty of fields', { secret: {} }, 'body.secret.token'],
  ['a surplus secret field', { secret: { token: 'tok-0123456789', more: 'abcd' } }, 'body.secret'],
  ['a secret over a million characters', { secret: 'x'.repeat(1_000_001) }, 'body.secret'],
  ['a surplus extra field', { extra: { region: 'abcd' } }, 'body.extra'],
  [
    '001.17 a sensitive key in extra',
    { extra: { nested: { Password: 'abcd' } } },
    'body.extra.nested.Password',
  ],
  ['a surplus field', { password: 'abcd' }, 'body'],
  ['extra that is a list', { extra: [] }, 'body.extra'],
])('a credential with %s is refused with 422 naming the field', async (_, change, path) => {
  const { status, body } = await broker.api('POST', '/api/credentials', asOwner, { ...token, ...change })
  expect([status, body.errors[0]?.path]).toEqual([422, path])
})

test.each([
  '?limit=0',
  '?limit=201',
  '?limit=x',
  '?cursor=x',
  '?cursor=%00',
  '?type=%00',
  '?name=a%00',
  '?limit=1&limit=2',
])('a list with the query %j is refused with 400', async (query) => {
  const { status, body } = await broker.api('GET', `/api/credentials${query}`, asOwner)
  expect([status, body.code]).toEqual([400, 'invalid_request'])
})

test('a method that a path does not have, and a path that is not there, are refused', async () => {
  for (const [method, path] of [
    ['PUT', '/api/credentials'],
    ['GET', '/api/credentials/'.padEnd(3000, 'x')],
    ['GET', '/api/credentials/%'],
    ['DELETE', '/api/credentials'],
  ] as const) {
    const { status } = await broker.api(method, path, asOwner)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
  }
})
