import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { peerActors, walkPermissions } from '@opsconductor/test-peers'
import { publicRoutes } from '../src/app.ts'
import { permissions } from '../src/permissions.ts'
import { type RunningBroker, startBroker } from './running-broker.ts'

let broker: RunningBroker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker.stop())

test('every public route allows and refuses each role and key exactly as the permission table says', async () => {
  const { projectId } = await broker.createProject()
  const walk = await walkPermissions({
    routes: publicRoutes(broker.deps),
    permissions,
    url: broker.publicUrl,
    actors: peerActors(broker.people, projectId),
  })
  expect(walk.mismatches).toEqual([])
  expect(walk.open).toEqual([])
  expect(walk.checked).toBe(publicRoutes(broker.deps).length * 12)
})

test('the permission table is the one that was decided', () => {
  expect(permissions).toEqual({
    'credentials:read': { roles: ['owner', 'admin', 'operator'], scope: 'manage:credentials:read' },
    'credentials:write': { roles: ['owner', 'admin'], scope: 'manage:credentials' },
    'trust:read': { roles: ['owner', 'admin', 'operator'], scope: 'manage:credentials:read' },
    'trust:write': { roles: ['owner', 'admin'], scope: 'manage:credentials' },
    'host-credentials:read': { roles: ['owner', 'admin'], scope: 'manage:credentials:read' },
  })
})
