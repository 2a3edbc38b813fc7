import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createKongAdminClient } from '@opsconductor/kong-admin-client'
import { findUnsettled } from '../src/publishing/reconcile.ts'
import { type Harness, startHarness } from './harness.ts'
import { get, jobWorkflow, publishRun } from './setups.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness()
})
afterAll(() => harness.stop())

test('002.26 an interface that was published while all that Kong holds was listed is not taken for lost', async () => {
  const project = await harness.createProject()
  const made = await publishRun(harness, project, await jobWorkflow(harness, project))
  const kong = createKongAdminClient({ adminUrl: harness.adminUrl, timeoutMs: 5_000 })
  const lists = { services: 0 }
  const listedBefore = {
    ...kong.services,
    list: (...options: Parameters<typeof kong.services.list>) =>
      lists.services++ === 0 ? nothing() : kong.services.list(...options),
  }
  const { config, pool, events } = harness.deps
  const context = { config, pool, events, kong: { ...kong, services: listedBefore } }
  try {
    expect(await findUnsettled(context)).toEqual([])
  } finally {
    await kong.close()
  }
  expect(lists.services).toBe(2)
  const { body } = await get(harness, project, `/api/interfaces/${made.id}`)
  expect(body.public_interface).toMatchObject({ state: 'published', last_error: null })
})

async function* nothing() {}
