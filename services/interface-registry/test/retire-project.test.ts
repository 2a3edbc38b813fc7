import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { testInternalKey } from '@opsconductor/test-peers'
import { type Harness, send, startHarness } from './harness.ts'
import { startProjectWorker } from './project-worker.ts'
import { jobWorkflow, publishRun } from './setups.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness()
})
afterAll(() => harness.stop())

test('a project that is deleted with a call in flight: the call fails with a clear error, its interfaces leave the gateway, nothing begins anew', async () => {
  const project = await harness.createProject()
  const { projectId } = project
  const { public_interface: face } = await publishRun(harness, project, await jobWorkflow(harness, project))
  const headers = { 'x-api-key': await project.createKey() }
  const worker = await startProjectWorker(harness.deps.config.TEMPORAL_ADDRESS, projectId)
  const temporal = harness.deps.temporal.clientFor(`project-${projectId}`)
  const inFlight = send(face.url, { method: 'POST', headers, body: { wait_ms: 60_000 } })
  const running = async () => (await temporal.workflow.count("ExecutionStatus = 'Running'")).count
  while ((await running()) === 0);

  const url = `${harness.internalUrl}/internal/projects/${projectId}/namespace`
  const internal = { 'x-internal-key': testInternalKey }
  expect((await send(url, { method: 'DELETE', headers: internal })).status).toBe(200)
  const answer = await inFlight
  // A worker that took longer than it is given had the run terminated.
  expect(['run_cancelled', 'step_failed']).toContain(answer.body.code)
  expect(await running()).toBe(0)
  expect((await send(face.url, { method: 'POST', headers, body: {} })).status).toBe(404)
  const { rows } = await harness.owner.query(
    'SELECT FROM interface_registry.workflows WHERE project_id = $1',
    [projectId],
  )
  expect(rows).toEqual([])
  await expect(
    temporal.workflow.start('runJob', { taskQueue: 'opsconductor-jobs', workflowId: 'again' }),
  ).rejects.toThrow()
  expect((await send(url, { method: 'DELETE', headers: internal })).status).toBe(200)
  await worker.stop()
}, 60_000)
