import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { generateApiKey } from '@opsconductor/auth'
import { type Listening, listen } from '@opsconductor/service-kit'
import { createApps, publicRoutes } from '../src/app.ts'
import { readApiKeyConfig } from '../src/config.ts'
import { createDeps, type Deps } from '../src/deps.ts'
import { send, testEnvironment } from './running-api-key.ts'

let deps: Deps
let open: Listening
let inside: Listening
beforeAll(async () => {
  const config = readApiKeyConfig(
    testEnvironment({ DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none', LOG_LEVEL: 'silent' }),
  )
  deps = await createDeps(config)
  const { publicApp, internalApp } = createApps(deps)
  open = await listen(publicApp, '127.0.0.1', 0)
  inside = await listen(internalApp, '127.0.0.1', 0)
})
afterAll(async () => {
  await open.close()
  await inside.close()
  await deps.dispose()
})

test('without the database every route is 503 with Retry-After, never 500', async () => {
  const bearer = { authorization: `Bearer ${await deps.tokens.issue(randomUUID())}` }
  const cookie = { cookie: `oc_refresh=${'A'.repeat(43)}` }
  for (const route of publicRoutes(deps)) {
    const path = route.path.replaceAll(/\{\w+\}/g, () => randomUUID())
    const headers = { ...bearer, ...(route.action === null ? cookie : {}) }
    const body = route.body === undefined ? undefined : { email: 'a@example.com', password: 'x' }
    const answer = await send(open.url, route.method.toUpperCase(), path, { headers, body })
    expect([route.path, answer.status, answer.body.code]).toEqual([route.path, 503, 'service_unavailable'])
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
  }
  const key = { 'x-api-key': generateApiKey().key }
  expect((await send(open.url, 'GET', '/api/keys', { headers: key })).status).toBe(503)
})

test('a sign-in that the missing database left undecided is not counted as a failure', async () => {
  const body = { email: 'someone@example.com', password: 'x' }
  for (let i = 0; i < 8; i++)
    expect((await send(open.url, 'POST', '/api/session', { body })).status).toBe(503)
})

test('without the database the service is alive and not ready', async () => {
  expect((await send(inside.url, 'GET', '/healthz')).status).toBe(200)
  expect((await send(inside.url, 'GET', '/readyz')).status).toBe(503)
})
