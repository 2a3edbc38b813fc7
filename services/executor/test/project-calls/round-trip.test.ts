import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { CallOperation } from '@opsconductor/contracts'
import { testInternalKey } from '@opsconductor/test-peers'
import { request } from 'undici'
import type { Connector } from './grants-peer.ts'
import { startTwoProjects, type TwoProjects } from './two-projects.ts'

let projects: TwoProjects
beforeAll(async () => {
  projects = await startTwoProjects()
}, 60_000)
afterAll(() => projects?.stop())

async function tried({ connector_id }: Pick<Connector, 'connector_id'>, operation: CallOperation = 'call') {
  const answer = await request(new URL('/internal/project-connector-tests', projects.executor.internalUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-internal-key': testInternalKey },
    body: JSON.stringify({ project_id: projects.sourceId, connector_id, operation }),
  })
  return (await answer.body.json()) as Record<string, unknown>
}

test('002.29 a round trip through a connector tells how long it took, and does nothing', async () => {
  const before = await projects.ledger.handle.query('total')
  const adding = await projects.addConnector({ callable_name: 'add' })
  const fine = { ok: true, latency_ms: expect.any(Number), checked_at: expect.any(String) }
  expect(await tried(adding)).toEqual(fine)
  expect(
    await tried(await projects.addJobConnector({ steps: [{ id: 'a', type: 'set', input: { values: {} } }] })),
  ).toEqual(fine)
  expect(await projects.ledger.handle.query('total')).toEqual(before)
  expect((await projects.callTarget('GET', '/api/connector-calls')).body.items).toEqual([])
  expect((await projects.callTarget('GET', '/api/runs')).body.items).toEqual([])
}, 30_000)

test('002.29 it says which part fails: endpoint, worker, permission, target workflow or schema', async () => {
  const { workflow } = await projects.addConnector({}, { endpoint: false })
  const gone = { ...workflow, workflow_id: `gone-${randomUUID()}` }
  const noJob = { ...workflow, kind: 'job' as const, job_id: randomUUID(), job_version: 1 }
  for (const [fields, options, part, code] of [
    [{}, { endpoint: false }, 'endpoint', 'connector_not_ready'],
    [{ refusal: 'connector_not_ready' }, { endpoint: false }, 'endpoint', 'connector_not_ready'],
    [{}, { taskQueue: 'nobody' }, 'worker', 'call_no_worker'],
    [{ refusal: 'call_not_allowed' }, { endpoint: false }, 'permission', 'call_not_allowed'],
    [{ admitRefusal: 'Taken back.' }, {}, 'permission', 'call_not_allowed'],
    [{ workflow: gone }, {}, 'target_workflow', 'target_missing'],
    [{ workflow: noJob }, {}, 'target_workflow', 'target_missing'],
    [{ input_schema: { type: 'strong' } }, {}, 'schema', 'validation_failed'],
  ] as const) {
    const connector = await projects.addConnector(fields, options)
    expect(await tried(connector)).toEqual({
      ok: false,
      latency_ms: expect.any(Number),
      checked_at: expect.any(String),
      message: expect.any(String),
      part,
      code,
    })
  }
}, 60_000)

test('002.29 of a connector that is not there nothing is told', async () => {
  expect(await tried({ connector_id: randomUUID() })).toMatchObject({ status: 404, code: 'not_found' })
})
