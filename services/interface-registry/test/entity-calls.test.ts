import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { namespaceOf, runJobWorkflow } from '@opsconductor/contracts'
import { testTemporalAddress } from '@opsconductor/test-peers'
import { type Harness, send, startHarness } from './harness.ts'
import { type ProjectWorker, startProjectWorker } from './project-worker.ts'
import { jobWorkflow, post, publishRun } from './setups.ts'

type Project = Awaited<ReturnType<Harness['createProject']>>

let harness: Harness
let project: Project
let worker: ProjectWorker
let workflowId: string
let key: string
const executionId = `stock-${randomUUID()}`

beforeAll(async () => {
  harness = await startHarness({ settings: { CALL_WAIT_SECONDS: '1' } })
  project = await harness.createProject()
  key = project.createKey()
  workflowId = await entity(executionId)
  worker = await startProjectWorker(testTemporalAddress(), project.projectId)
  await client().workflow.start('counter', { workflowId: executionId, taskQueue: runJobWorkflow.taskQueue })
})
afterAll(async () => {
  await client()?.workflow.getHandle(executionId).terminate()
  await worker?.stop()
  await harness.stop()
})

const client = () => harness.deps.temporal.clientFor(namespaceOf(project.projectId))

async function entity(workflow_id: string): Promise<string> {
  const { body } = await post(harness, project, '/api/workflows', {
    name: `w-${randomUUID()}`,
    workflow_type: 'counter',
    task_queue: runJobWorkflow.taskQueue,
    workflow_id,
  })
  return body.id
}

async function publish(interface_type: string, callable_name: string, of = workflowId): Promise<string> {
  const made = await publishRun(harness, project, of, {
    name: `i-${randomUUID()}`,
    interface_type,
    callable_name,
  })
  return made.public_interface.url
}

const call = (url: string, body: unknown = {}, headers: Record<string, string> = {}) =>
  send(url, { method: 'POST', body, headers: { 'x-api-key': key, ...headers } })

test('002.18 an update, a query and a signal of a long-lived workflow are called: 200, 200 and 202', async () => {
  const [add, count, reset] = [
    await publish('update', 'add'),
    await publish('query', 'count'),
    await publish('signal', 'reset'),
  ]
  expect(await call(reset, { to: 5 })).toMatchObject({
    status: 202,
    body: { run_id: null, status: 'queued' },
  })
  expect(await call(add, { by: 2 })).toMatchObject({
    status: 200,
    body: { run_id: null, status: 'succeeded', output: { count: 7 } },
  })
  expect(await call(count)).toMatchObject({ status: 200, body: { output: { count: 7 } } })
})

test('an update with an Idempotency-Key is done once', async () => {
  const add = await publish('update', 'add')
  const headers = { 'idempotency-key': randomUUID() }
  const first = await call(add, { by: 1 }, headers)
  expect((await call(add, { by: 1 }, headers)).body).toEqual(first.body)
})

test('an Idempotency-Key that was sent with another body is 422, and nothing is done', async () => {
  const [add, count] = [await publish('update', 'add'), await publish('query', 'count')]
  const headers = { 'idempotency-key': randomUUID() }
  const first = await call(add, { by: 1 }, headers)
  expect(await call(add, { by: 2 }, headers)).toMatchObject({
    status: 422,
    body: { code: 'idempotency_mismatch' },
  })
  expect((await call(count)).body.output).toEqual(first.body.output)
  // Another client's key, and the same client's on another interface, are their own.
  const other = { ...headers, 'x-api-key': project.createKey() }
  expect((await call(add, { by: 2 }, other)).status).toBe(200)
  expect((await call(await publish('update', 'add'), { by: 2 }, headers)).status).toBe(200)
})

test('a rejected update is 422 in the words of the workflow', async () => {
  expect(await call(await publish('update', 'add'), { by: -1 })).toMatchObject({
    status: 422,
    body: { code: 'call_rejected', detail: 'by must not be negative' },
  })
})

test('an update that does not end in time is 504', async () => {
  expect(await call(await publish('update', 'forever'))).toMatchObject({
    status: 504,
    body: { code: 'call_timeout' },
  })
})

test('an update or query that no worker answers in time is 504; a signal is taken', async () => {
  const unserved = `unserved-${randomUUID()}`
  await client().workflow.start('counter', { workflowId: unserved, taskQueue: 'nobody-polls-this' })
  const of = await entity(unserved)
  for (const [type, name] of [
    ['update', 'add'],
    ['query', 'count'],
  ] as const)
    expect(await call(await publish(type, name, of))).toMatchObject({
      status: 504,
      body: { code: 'call_timeout' },
    })
  expect((await call(await publish('signal', 'reset', of), { to: 1 })).status).toBe(202)
  await client().workflow.getHandle(unserved).terminate()
})

test('names that the workflow does not have are a clear refusal, never a 500', async () => {
  const query = await call(await publish('query', 'no-such-query'))
  expect(query).toMatchObject({ status: 502, body: { code: 'call_failed' } })
  const update = await call(await publish('update', 'no-such-update'))
  expect(update.status).toBe(422)
})

test('a workflow that is not running is 404', async () => {
  const missing = await entity(`gone-${randomUUID()}`)
  for (const [type, name] of [
    ['update', 'add'],
    ['query', 'count'],
    ['signal', 'reset'],
  ] as const)
    expect(await call(await publish(type, name, missing))).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    })
})

test('while Temporal is down a call is 503 with Retry-After, and so is making a workflow; the service stays ready', async () => {
  const closed = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => closed.once('listening', resolve))
  const { port } = closed.address() as { port: number }
  await new Promise((resolve) => closed.close(resolve))
  const job = await publishRun(harness, project, await jobWorkflow(harness, project))
  const down = await harness.startReplica({ TEMPORAL_ADDRESS: `127.0.0.1:${port}` })
  try {
    const urls = [job.public_interface.url, await publish('update', 'add'), await publish('query', 'count')]
    for (const url of urls)
      expect(await call(url.replace(harness.gatewayUrl, down.publicUrl))).toMatchObject({
        status: 503,
        body: { code: 'service_unavailable' },
        headers: { 'retry-after': '2' },
      })
    const { status } = await send(`${down.publicUrl}/api/workflows`, {
      method: 'POST',
      headers: project.asOwner,
      body: { name: 'x', workflow_type: 't', task_queue: 'q', workflow_id: 'w' },
    })
    expect(status).toBe(503)
    expect((await send(`${down.internalUrl}/readyz`)).status).toBe(200)
  } finally {
    await down.stop()
  }
})
