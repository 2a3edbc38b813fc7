import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { peerActors, walkPermissions } from '@opsconductor/test-peers'
import { publicRoutes } from '../src/app.ts'
import { permissions } from '../src/permissions.ts'
import { type AgentUnderTest, startAgent } from './support/agent.ts'

let agent: AgentUnderTest
beforeAll(async () => {
  agent = await startAgent()
})
afterAll(() => agent?.stop())

test('004.SEC-1 every route allows and refuses exactly whom the permission table says', async () => {
  const routes = publicRoutes(agent.deps)
  const walk = await walkPermissions({
    routes,
    permissions,
    url: agent.publicUrl,
    actors: peerActors(agent.apiKey, agent.projectId),
  })
  expect(walk.mismatches).toEqual([])
  expect(walk.open).toEqual(['GET /.well-known/acme-challenge/{token}'])
  expect(walk.checked).toBeGreaterThan(routes.length * 8)
})
