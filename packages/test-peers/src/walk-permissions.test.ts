import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  type AnyRoute,
  createInternalClient,
  createLog,
  createMetrics,
  createPublicApp,
  createServiceAuth,
  type Listening,
  listen,
  openRoute,
  type PublicAppOptions,
  route,
  type ServiceAuth,
} from '@opsconductor/service-kit'
import { type ApiKeyPeer, startApiKeyPeer } from './api-key-peer.ts'
import { testInternalKey } from './serve-peer.ts'
import { peerActors, walkPermissions } from './walk-permissions.ts'

type Permissions = PublicAppOptions['permissions']

const projectId = randomUUID()
const declared: Permissions = {
  'things:read': { roles: ['owner', 'admin', 'operator', 'viewer'], scope: 'manage:things:read' },
  'things:write': { roles: ['owner', 'admin'], scope: 'manage:things' },
  'self:read': { anyone: 'user' },
  'people:write': { anyone: 'platform_admin' },
}
const answering = (method: AnyRoute['method'], path: string, action: string): AnyRoute =>
  route({
    method,
    path,
    summary: path,
    action,
    answers: { 204: null },
    handle: async () => ({ status: 204 }),
  })
const routes = [
  answering('get', '/api/things', 'things:read'),
  answering('post', '/api/things', 'things:write'),
  answering('delete', '/api/things/{id}', 'things:write'),
  answering('get', '/api/self', 'self:read'),
  answering('put', '/api/people/{id}', 'people:write'),
  openRoute({
    method: 'get',
    path: '/api/open',
    summary: 'open',
    action: null,
    answers: { 204: null },
    handle: async () => ({ status: 204 }),
  }),
]

let peer: ApiKeyPeer
let auth: ServiceAuth
const listening: Listening[] = []

beforeAll(async () => {
  peer = await startApiKeyPeer()
  auth = createServiceAuth({
    internal: createInternalClient({ urls: { 'api-key': peer.url }, key: testInternalKey }),
    listener: () => ({ connected: () => false, stop: async () => {} }),
    log: createLog('test', 'silent'),
  })
})
afterAll(async () => {
  await auth.stop()
  for (const one of listening) await one.close()
  await peer.close()
})

async function walkAppWith(enforced: Permissions) {
  const app = createPublicApp({
    title: 'test',
    routes,
    permissions: enforced,
    authenticate: auth.authenticate,
    log: createLog('test', 'silent'),
    metrics: createMetrics(),
  })
  const opened = await listen(app, '127.0.0.1', 0)
  listening.push(opened)
  return walkPermissions({
    routes,
    permissions: declared,
    url: opened.url,
    actors: peerActors(peer, projectId),
  })
}

test('the walk finds nothing in an app that enforces its table, and lists the open routes', async () => {
  const walk = await walkAppWith(declared)
  expect(walk.mismatches).toEqual([])
  expect(walk.open).toEqual(['GET /api/open'])
  expect(walk.checked).toBe(3 * 12 + 2 * 9)
})

test('the walk names the route and the caller where an app lets somebody in whom the table refuses', async () => {
  const loose: Permissions = {
    ...declared,
    'things:write': { roles: ['owner', 'admin', 'operator'], scope: 'manage:things' },
    'people:write': { anyone: 'user' },
  }
  const { mismatches } = await walkAppWith(loose)
  expect(mismatches).toContainEqual(
    expect.stringMatching(/^POST \/api\/things as operator: expected refused/),
  )
  expect(mismatches).toContainEqual(
    expect.stringMatching(/^PUT \/api\/people\/\{id\} as owner: expected refused/),
  )
  expect(mismatches.filter((line) => line.includes('GET'))).toEqual([])
})

test('the walk names the route and the caller where an app refuses somebody whom the table lets in', async () => {
  const strict: Permissions = {
    ...declared,
    'things:read': { roles: ['owner'], scope: 'manage:things' },
  }
  const { mismatches } = await walkAppWith(strict)
  expect(mismatches).toHaveLength(4)
  expect(mismatches).toContainEqual(expect.stringMatching(/^GET \/api\/things as viewer: expected allowed/))
  expect(mismatches).toContainEqual(
    expect.stringMatching(/^GET \/api\/things as key \[.*manage:things:read\]: expected allowed/),
  )
})
