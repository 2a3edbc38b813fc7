import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type AgentUnderTest, startAgent } from './support/agent.ts'

let agent: AgentUnderTest
beforeAll(async () => {
  agent = await startAgent()
})
afterAll(() => agent?.stop())

test('it is ready when its database and Temporal are', async () => {
  const { status } = await fetch(`${agent.internalUrl}/readyz`)
  expect(status).toBe(200)
})
