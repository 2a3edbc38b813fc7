import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { request } from 'undici'
import { publicRoutes } from '../src/app.ts'
import { type Headers, type RunningApiKey, startApiKey } from './running-api-key.ts'

let service: RunningApiKey
let headers: Headers
let projectId: string
beforeAll(async () => {
  service = await startApiKey()
  const admin = await service.person({ isPlatformAdmin: true })
  projectId = await service.project({ [admin.id]: 'owner' })
  headers = admin.headers
})
afterAll(() => service.close())

const raw = async (method: string, path: string, more: Headers, body: string | Buffer | null) => {
  const answer = await request(`${service.publicUrl}${path}`, {
    method: method as 'POST',
    headers: { ...headers, ...more },
    body,
  })
  return { status: answer.statusCode, body: JSON.parse((await answer.body.text()) || '{}') }
}
const json = { 'content-type': 'application/json' }

const hostileTexts = [
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\u202e',
  "'; DROP TABLE api_key.users; --",
  '%',
  '../../etc/passwd',
  '{{constructor}}',
  'x'.repeat(50_000),
]
const hostileValues: unknown[] = [
  ...hostileTexts,
  null,
  true,
  -1,
  1e308,
  [],
  [[[[]]]],
  {},
  { $ne: null },
  { toString: 'x' },
]

test('no field of any body, however hostile its value, gives a 5xx', async () => {
  const bodies: Record<string, object> = {
    '/api/session': { email: 'a@example.com', password: 'x' },
    '/api/users': { email: 'a@example.com', display_name: 'x', password: 'x'.repeat(12) },
    '/api/users/{id}': {
      display_name: 'x',
      password: 'x'.repeat(12),
      is_active: true,
      is_platform_admin: true,
    },
    '/api/projects': { name: 'x' },
    '/api/projects/{id}/members/{user_id}': { role: 'viewer' },
    '/api/keys': { name: 'x', public_interface_id: randomUUID(), scopes: ['manage:jobs'], expires_at: 'x' },
  }
  let asked = 0
  for (const route of publicRoutes(service.deps)) {
    if (route.body === undefined) continue
    const good = bodies[route.path]
    if (good === undefined) throw new Error(`no body is given for ${route.path}`)
    const path = route.path
      .replace('/projects/{id}', `/projects/${projectId}`)
      .replaceAll(/\{\w+\}/g, () => randomUUID())
    for (const field of Object.keys(good))
      for (const value of hostileValues) {
        const body = JSON.stringify({ ...good, [field]: value })
        const answer = await raw(route.method.toUpperCase(), path, json, body)
        asked++
        if (answer.status >= 500)
          throw new Error(`${route.path} ${field} ${body.slice(0, 100)}: ${answer.status}`)
      }
  }
  expect(asked).toBeGreaterThan(250)
})

test('NUL and lone surrogates are 422 naming the field', async () => {
  for (const name of ['a\u0000b', '\ud800']) {
    const answer = await raw('POST', '/api/projects', json, JSON.stringify({ name }))
    expect([answer.status, answer.body.errors[0].path]).toEqual([422, 'body.name'])
  }
})

test('a body that is not JSON, not an object, too large, too deep or of another type is a 4xx', async () => {
  const cases: [Headers, string | Buffer, number][] = [
    [json, '{"name":', 400],
    [json, 'null', 422],
    [json, '"x"', 422],
    [json, '[]', 422],
    [json, `{"name":${'['.repeat(5000)}${']'.repeat(5000)}}`, 422],
    [json, JSON.stringify({ name: 'x'.repeat(70_000) }), 413],
    [json, '{"__proto__":{"name":"x"}}', 422],
    [json, '{"constructor":{"prototype":{"x":1}},"name":"y"}', 422],
    [{ 'content-type': 'text/plain' }, '{"name":"x"}', 415],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, 'name=x', 415],
    [{ 'content-type': 'application/json; charset=utf-32' }, '{}', 400],
    [{ ...json, 'content-encoding': 'gzip' }, '{}', 400],
    [json, Buffer.from([0xff, 0xfe, 0x00]), 400],
  ]
  for (const [more, body, status] of cases)
    expect([body.toString().slice(0, 40), (await raw('POST', '/api/projects', more, body)).status]).toEqual([
      body.toString().slice(0, 40),
      status,
    ])
  expect(({} as { x?: unknown }).x).toBeUndefined()
})

test('no hostile path or query gives a 5xx, and none reaches something it should not', async () => {
  for (const path of [
    '/api/users/%00',
    '/api/users/%',
    '/api/users/..%2f..%2finternal%2fjwks',
    '/api//users',
    '/api/keys/__proto__',
    '/api/keys/constructor/regenerate',
    `/api/projects/${projectId}/members/%ff`,
    '/api/users?limit=1e9',
    '/api/users?limit=1&limit=2',
    '/api/users?cursor=%00',
    `/api/users?cursor=${randomUUID()}'`,
    '/api/users?limit[]=1',
    '/api/users?__proto__[x]=1',
  ]) {
    const { status } = await raw('GET', path, {}, null)
    expect([path, status < 500 && (status >= 400 || path.startsWith('/api/users?'))]).toEqual([path, true])
  }
})

test('no hostile credential header gives anything but a refusal', async () => {
  const good = headers.authorization as string
  const [head, payload, signature] = good.slice('Bearer '.length).split('.') as [string, string, string]
  const unsigned = Buffer.from('{"alg":"none"}').toString('base64url')
  const symmetric = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')
  const other = Buffer.from(JSON.stringify({ sub: randomUUID(), exp: 9e9 })).toString('base64url')
  for (const authorization of [
    'Bearer',
    'Bearer ',
    'Bearer x',
    'Bearer ..',
    'Basic YWRtaW46YWRtaW4=',
    `Bearer ${unsigned}.${payload}.`,
    `Bearer ${symmetric}.${payload}.${signature}`,
    `Bearer ${head}.${other}.${signature}`,
    `Bearer ${head}.${payload}.${signature.slice(0, -4)}AAAA`,
    `${good} extra`,
    `Bearer ${'a'.repeat(8000)}`,
  ])
    expect([
      authorization.slice(0, 30),
      (await service.ask('GET', '/api/users/me', { headers: { authorization } })).status,
    ]).toEqual([authorization.slice(0, 30), 401])
  for (const key of ['', 'x', 'oc_live_', "' OR 1=1 --", 'a'.repeat(8000), '%00'])
    expect((await service.ask('GET', '/api/keys', { headers: { 'x-api-key': key } })).status).toBe(401)
  for (const project of ['', 'x', '%00', "' OR 1=1", projectId.toUpperCase(), `${projectId}, ${projectId}`])
    expect(
      (await service.ask('GET', '/api/keys', { headers: { ...headers, 'x-project-id': project } })).status,
    ).toBe(404)
})
