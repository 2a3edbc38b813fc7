import { Writable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Caller } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import { z } from 'zod'
import {
  createLog,
  createMetrics,
  createPublicApp,
  type Listening,
  listen,
  openRoute,
  route,
  startTracing,
  type Tracing,
} from '../src/index.ts'

const canary = 'canary-5f0c2d'
const operator: Caller = {
  kind: 'user',
  userId: 'u',
  projectId: 'p',
  role: 'operator',
  isPlatformAdmin: false,
}
const Thing = z.object({ name: z.string().max(10), size: z.number().int().optional() }).strict()

const routes = [
  route({
    method: 'post',
    path: '/api/things',
    action: 'things.create',
    summary: 'Create a thing',
    body: Thing,
    answers: { 201: z.object({ name: z.string() }) },
    handle: async ({ body }) => ({
      status: 201,
      body: { ...body, secret: canary },
      headers: { Location: '/api/things/1' },
    }),
  }),
  route({
    method: 'delete',
    path: '/api/things/{id}',
    action: 'things.delete',
    summary: 'Delete a thing',
    params: z.object({ id: z.uuid() }),
    answers: { 204: null },
    handle: async () => ({ status: 204 }),
  }),
  openRoute({
    method: 'get',
    path: '/api/broken',
    action: null,
    summary: 'Always fails',
    answers: { 200: null },
    handle: async () => {
      throw new Error(`the inside says ${canary}`)
    },
  }),
  openRoute({
    method: 'get',
    path: '/api/busy',
    action: null,
    summary: 'Asks to come back',
    answers: { 200: null },
    handle: async () => {
      throw new AppError('service_unavailable', 'Not now.', { retryAfterSeconds: 7 })
    },
  }),
]

let listening: Listening
let tracing: Tracing
let logged = ''
beforeAll(async () => {
  tracing = await startTracing('test', undefined)
  const app = createPublicApp({
    title: 'Things',
    log: createLog('test', 'silent'),
    metrics: createMetrics(),
    routes,
    authenticate: async ({ apiKey }) => {
      if (apiKey !== 'good') throw new AppError('missing_credentials', 'Sign in.')
      return operator
    },
    permissions: {
      'things.create': { roles: ['owner', 'operator'], scope: 'manage:things' },
      'things.delete': { roles: ['owner'], scope: 'manage:things' },
    },
    bodyBytesMax: 1000,
  })
  listening = await listen(app, '127.0.0.1', 0)
})
afterAll(async () => {
  await listening.close()
  await tracing.stop()
})

const call = (
  method: string,
  path: string,
  options: { body?: string; headers?: Record<string, string> } = {},
) =>
  fetch(listening.url + path, {
    method,
    headers: { 'x-api-key': 'good', 'content-type': 'application/json', ...options.headers },
    ...(options.body === undefined ? {} : { body: options.body }),
  })

test('a good request is answered with the fields that its schema names and no others', async () => {
  const answer = await call('POST', '/api/things', { body: '{"name":"a"}' })
  expect([answer.status, answer.headers.get('location'), await answer.json()]).toEqual([
    201,
    '/api/things/1',
    { name: 'a' },
  ])
})

test.each([
  ['text that is not JSON', '{"name":', 400, 'malformed_json'],
  ['a missing field', '{}', 422, 'validation_failed'],
  ['an unknown field', '{"name":"a","more":1}', 422, 'validation_failed'],
  ['a prototype key', '{"name":"a","__proto__":{"admin":true}}', 422, 'validation_failed'],
  ['a scalar', '7', 422, 'validation_failed'],
  ['null', 'null', 422, 'validation_failed'],
  ['450 levels', `${'['.repeat(450)}${']'.repeat(450)}`, 422, 'validation_failed'],
  ['a body over the limit', JSON.stringify({ name: 'x'.repeat(2000) }), 413, 'body_too_large'],
])('%s is answered as a problem with a stable code', async (_, body, status, code) => {
  const answer = await call('POST', '/api/things', { body })
  expect(answer.headers.get('content-type')).toMatch('application/problem+json')
  expect(await answer.json()).toMatchObject({ status, code, type: `urn:opsconductor:error:${code}` })
})

test('a wrong field is named, and its value is never repeated', async () => {
  const answer = await call('POST', '/api/things', {
    body: JSON.stringify({ name: `${canary}-long`, size: canary }),
  })
  const text = await answer.text()
  expect(JSON.parse(text).errors.map((error: { path: string }) => error.path)).toEqual([
    'body.name',
    'body.size',
  ])
  expect(text).not.toContain(canary)
})

test('a body of another media type is answered 415', async () => {
  const answer = await call('POST', '/api/things', {
    body: 'name=a',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  expect(answer.status).toBe(415)
})

test('a caller without credentials is answered 401, one without the role 403', async () => {
  const id = '/api/things/6a8a5f2e-5c0c-4a8e-8f0f-0a3b9a0b7c11'
  expect((await call('DELETE', id, { headers: { 'x-api-key': 'bad' } })).status).toBe(401)
  expect((await call('DELETE', id)).status).toBe(403)
})

test('authorisation comes before validation, so a stranger learns nothing of the schema', async () => {
  const answer = await call('POST', '/api/things', { body: '{}', headers: { 'x-api-key': 'bad' } })
  expect(answer.status).toBe(401)
})

test.each(['/nothing', '/api/things/%E0%A4%A', '/internal/keys/verify'])(
  '%s is answered as a problem below 500',
  async (path) => {
    const answer = await call('GET', path)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
  },
)

test('an unforeseen failure is answered 500 and says nothing of the inside', async () => {
  const answer = await call('GET', '/api/broken')
  const text = await answer.text()
  expect([answer.status, JSON.parse(text).code]).toEqual([500, 'internal_error'])
  expect(text).not.toContain(canary)
})

test('a passing failure says when to come back', async () => {
  const answer = await call('GET', '/api/busy')
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '7'])
})

test('the request id is taken over when it is sane, made when it is not, and the trace id is in the problem', async () => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
  const named = await call('GET', '/nothing', {
    headers: { 'x-request-id': 'abc-1', traceparent: `00-${trace}-00f067aa0ba902b7-01` },
  })
  expect(named.headers.get('x-request-id')).toBe('abc-1')
  expect(((await named.json()) as { trace_id: string }).trace_id).toBe(trace)
  const insane = await call('GET', '/nothing', { headers: { 'x-request-id': 'a b<script>' } })
  expect(insane.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
})

test('the OpenAPI document names every route with its roles', async () => {
  const document = (await (await call('GET', '/docs/openapi.json')).json()) as {
    openapi: string
    paths: Record<string, object>
  }
  expect(document.openapi).toBe('3.1.0')
  expect(Object.keys(document.paths)).toEqual(['/api/things', '/api/things/{id}', '/api/broken', '/api/busy'])
  expect(JSON.stringify(document.paths['/api/things/{id}'])).toContain('Roles: owner')
})

test('the log redacts what somebody logs whole, and keeps only type, text and stack of an error', () => {
  const sink = new Writable({
    write(chunk, _encoding, done) {
      logged += String(chunk)
      done()
    },
  })
  const log = createLog('test', 'info', sink)
  log.info({ body: { password: canary }, headers: { authorization: canary } }, 'whole')
  log.error({ err: Object.assign(new Error('failed'), { request: { password: canary } }) }, 'error')
  expect(logged).toContain('failed')
  expect(logged).not.toContain(canary)
})
