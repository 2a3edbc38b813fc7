import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { freePort } from '@opsconductor/test-peers'
import { type AgentUnderTest, type Call, callerAt, startAgent } from '../support/agent.ts'
import { rowsOf } from '../watching/fleet.ts'

let agent: AgentUnderTest
let serverId: string
let vhostId: string
beforeAll(async () => {
  agent = await startAgent({ isIdle: true })
  const rows = rowsOf(agent, agent.projectId)
  serverId = (await rows.addServer()).id
  const vhost = { names: ['www.example.test'], probePort: await freePort() }
  vhostId = (await rows.addVhost(serverId, vhost)).id
})
afterAll(() => agent?.stop())

test.each<[string, () => string, number]>([
  ['checks', () => `/api/servers/${serverId}/check`, 30],
  ['discoveries', () => `/api/servers/${serverId}/discover`, 20],
  ['probes', () => `/api/servers/${serverId}/vhosts/${vhostId}/probe`, 60],
])('of %s each caller has so many a minute, and then 429 with Retry-After', async (_what, path, max) => {
  const { token } = await agent.apiKey.createUser({ role: 'owner', projectId: agent.projectId })
  const other = callerAt(agent.publicUrl, token)
  const ask = (call: Call) => call('POST', path())
  const statuses = await Promise.all(
    Array.from({ length: max + 1 }, async () => (await ask(agent.call)).status),
  )
  expect(statuses.filter((status) => status === 429)).toHaveLength(1)
  const refused = await ask(agent.call)
  expect([refused.status, refused.body.code]).toEqual([429, 'too_many_requests'])
  const seconds = Number(refused.headers['retry-after'])
  expect(seconds).toBeGreaterThan(0)
  expect(seconds).toBeLessThanOrEqual(60)
  expect((await ask(other)).status).not.toBe(429)
})

test('what is not there uses nothing up', async () => {
  const { token } = await agent.apiKey.createUser({ role: 'owner', projectId: agent.projectId })
  const call = callerAt(agent.publicUrl, token)
  const missing = () => call('POST', `/api/servers/${randomUUID()}/discover`)
  const statuses = await Promise.all(Array.from({ length: 25 }, async () => (await missing()).status))
  expect(new Set(statuses)).toEqual(new Set([404]))
  expect((await call('POST', `/api/servers/${serverId}/discover`)).status).toBe(202)
})
