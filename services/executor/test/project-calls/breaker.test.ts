import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startTwoProjects, type TwoProjects } from './two-projects.ts'

let projects: TwoProjects
beforeAll(async () => {
  projects = await startTwoProjects()
}, 60_000)
afterAll(() => projects?.stop())

const store = () => projects.executor.deps.projectCalls.store
const breakers = async () => (await projects.callSource('GET', '/api/connector-calls/breakers')).body.items
const newCall = (connectorId: string) => ({
  connectorId,
  connector: 'any',
  runId: randomUUID(),
  stepId: 'ask',
  item: '',
  operation: 'call' as const,
  sourceProjectId: projects.sourceId,
  targetProjectId: projects.targetId,
})
const timeIsOver = (connectorId: string) =>
  projects.executor.deps.pool.query(
    "UPDATE executor.connector_breakers SET retry_at = now() - interval '1 second' WHERE connector_id = $1",
    [connectorId],
  )
const fail = async (connectorId: string, times: number) => {
  for (let i = 0; i < times; i++) await store().pathFailed(connectorId, projects.sourceId)
}

test('002.35 after five failures of the path in a row calls are suspended; a success in between begins anew', async () => {
  const id = randomUUID()
  expect(await store().begin(newCall(id))).toBeUndefined()
  await fail(id, 4)
  await store().pathWorks(id)
  await fail(id, 4)
  expect(await breakers()).toMatchObject([{ connector_id: id, state: 'closed', failures: 4 }])
  await fail(id, 1)
  expect(await breakers()).toMatchObject([{ state: 'open', failures: 5, retry_at: expect.any(String) }])
  const seconds = await store().begin(newCall(id))
  expect(seconds).toBeGreaterThan(20)
  expect(seconds).toBeLessThanOrEqual(30)
})

test('002.35 when the time is over one call is let through to try, also of many at once', async () => {
  const id = randomUUID()
  await fail(id, 5)
  await timeIsOver(id)
  const begun = await Promise.all(Array.from({ length: 8 }, () => store().begin(newCall(id))))
  expect(begun.filter((suspended) => suspended === undefined)).toHaveLength(1)
  expect(await breakers()).toContainEqual(expect.objectContaining({ connector_id: id, state: 'half_open' }))
  await fail(id, 1)
  expect(await breakers()).toContainEqual(expect.objectContaining({ connector_id: id, state: 'open' }))
  await timeIsOver(id)
  expect(await store().begin(newCall(id))).toBeUndefined()
  await store().pathWorks(id)
  expect(await breakers()).toContainEqual(
    expect.objectContaining({ connector_id: id, state: 'closed', failures: 0, retry_at: null }),
  )
})

test('002.35 a step is told that calls are suspended, and the call that succeeds closes the breaker', async () => {
  const { connector, connector_id: id } = await projects.addConnector({ callable_name: 'add' })
  await fail(id, 5)
  const suspended = await projects.runStep('project.call', { connector, input: { by: 1 } })
  expect(suspended.error).toMatchObject({ code: 'call_suspended' })
  await timeIsOver(id)
  const tried = await projects.runStep('project.call', { connector, input: { by: 1 } })
  expect(tried.error).toBeNull()
  expect(await breakers()).toContainEqual(expect.objectContaining({ connector_id: id, state: 'closed' }))
  expect(await projects.executor.deps.metrics.registry.metrics()).toContain(
    `connector_breaker_state{connector="${id}"} 0`,
  )
})

test('002.35 what the target rejects is no failure of the path', async () => {
  const { connector, connector_id: id } = await projects.addConnector({ callable_name: 'add' })
  await fail(id, 4)
  await projects.runStep('project.call', { connector, input: { by: -1 } })
  expect(await breakers()).toContainEqual(expect.objectContaining({ connector_id: id, failures: 0 }))
})

test('002.35 a workflow that fails is no failure of the path, whatever its code, and is not tried again', async () => {
  const workflow = {
    ...(await projects.addConnector({}, { endpoint: false })).workflow,
    workflow_type: 'report',
    workflow_id: null,
  }
  const { connector, connector_id: id } = await projects.addConnector({ workflow })
  await fail(id, 4)
  const run = await projects.runStep('project.start', { connector, input: { day: 'lost' }, attempts: 10 })
  expect(run.error).toMatchObject({ code: 'target_failed', message: 'There was no such day.' })
  expect(await breakers()).toContainEqual(expect.objectContaining({ connector_id: id, failures: 0 }))
})

test('002.35 each project sees its side of a call, and no other project any', async () => {
  const { connector, connector_id } = await projects.addConnector({ callable_name: 'add' })
  const run = await projects.runStep('project.call', { connector, input: { by: 1 } })
  const path = `/api/connector-calls?connector_id=${connector_id}`
  const [made, served] = await Promise.all([
    projects.callSource('GET', path),
    projects.callTarget('GET', path),
  ])
  const call = {
    connector_id,
    connector,
    source_project_id: projects.sourceId,
    target_project_id: projects.targetId,
    source_run_id: run.id,
    source_step_id: 'ask',
    operation: 'call',
    attempts: 1,
    outcome: 'succeeded',
    error_code: null,
    latency_ms: expect.any(Number),
  }
  expect(made.body.items).toEqual([expect.objectContaining({ ...call, side: 'source' })])
  expect(served.body.items).toEqual([expect.objectContaining({ ...call, side: 'target' })])
  const filtered = await projects.callSource('GET', `${path}&side=target&limit=1`)
  expect(filtered.body).toEqual({ items: [], next_cursor: null })
  const paged = await projects.callSource('GET', `/api/connector-calls?limit=1`)
  expect(paged.body.items).toHaveLength(1)
  const next = await projects.callSource(
    'GET',
    `/api/connector-calls?limit=1&cursor=${paged.body.next_cursor}`,
  )
  expect(next.body.items[0].id).not.toBe(paged.body.items[0].id)
})
