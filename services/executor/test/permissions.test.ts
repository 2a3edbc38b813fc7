import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { peerActors, walkPermissions } from '@opsconductor/test-peers'
import { publicRoutes } from '../src/app.ts'
import { permissions } from '../src/permissions.ts'
import { type ExecutorUnderTest, startExecutor } from './support/executor.ts'

let executor: ExecutorUnderTest

beforeAll(async () => {
  executor = await startExecutor()
}, 60_000)
afterAll(() => executor?.stop())

test('every route allows and refuses exactly whom the permission table says', async () => {
  const routes = publicRoutes(executor.deps)
  const walk = await walkPermissions({
    routes,
    permissions,
    url: executor.publicUrl,
    actors: peerActors(executor.apiKey, executor.projectId),
  })
  expect(walk.mismatches).toEqual([])
  expect(walk.open).toEqual([])
  expect(walk.checked).toBeGreaterThan(routes.length * 8)
})
