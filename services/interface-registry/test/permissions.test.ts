import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { peerActors, walkPermissions } from '@opsconductor/test-peers'
import { publicRoutes } from '../src/app.ts'
import { permissions } from '../src/permissions.ts'
import { type Harness, startHarness } from './harness.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness()
})
afterAll(() => harness.stop())

test('every management route lets in exactly the roles and scopes of the table', async () => {
  const { projectId } = await harness.createProject()
  const walk = await walkPermissions({
    routes: publicRoutes(harness.deps),
    permissions,
    url: harness.publicUrl,
    actors: peerActors(harness.keys, projectId),
  })
  expect(walk.mismatches).toEqual([])
  expect(walk.open).toEqual(['GET /api/project-connectors/jwks.json'])
  expect(walk.checked).toBe((publicRoutes(harness.deps).length - walk.open.length) * 12)
})
