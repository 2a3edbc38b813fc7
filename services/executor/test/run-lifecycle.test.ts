import { createHash, randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { type RunJobInput, type RunOutcome, runJobWorkflow, workflowIdOf } from '@opsconductor/contracts'
import { idFor } from '@opsconductor/service-kit'
import { WithStartWorkflowOperation } from '@temporalio/client'
import pg from 'pg'
import { createJob, type ExecutorUnderTest, endOf, startExecutor } from './support/executor.ts'
import { sendJson, startTarget } from './support/target-server.ts'

let executor: ExecutorUnderTest
let target: Awaited<ReturnType<typeof startTarget>>
let owner: pg.Client
/** Called with each request to /hold, which stays open until the test answers it. */
let onHeld: (response: ServerResponse) => void

beforeAll(async () => {
  target = await startTarget((received, response) => {
    if (received.url === '/hold') onHeld(response)
    else sendJson(response, { ok: true })
  })
  executor = await startExecutor()
  owner = new pg.Client({ connectionString: executor.database.ownerUrl })
  await owner.connect()
  await executor.open(target.port, Number(new URL(executor.database.ownerUrl).port))
  await executor.deps.workers.serve(executor.projectId)
}, 60_000)
afterAll(async () => {
  await owner?.end()
  await executor?.stop()
  await target?.close()
})
beforeEach(() => {
  target.received.length = 0
})

const held = () => new Promise<ServerResponse>((resolve) => (onHeld = resolve))
const step = (path: string) => ({ id: 'fetch', type: 'http.get', input: { url: target.url + path } })
const client = () => executor.deps.temporal.clientFor(`project-${executor.projectId}`)

function inputFor(jobId: string, over: Partial<RunJobInput> = {}): RunJobInput {
  const body_hash = createHash('sha256').update('{}').digest('hex')
  const trigger = { kind: 'public_interface' as const, interface_id: null, user_id: null, api_key_id: null }
  return { run_id: randomUUID(), job_id: jobId, version: 1, input: {}, trigger, body_hash, ...over }
}

/** As the registry calls: one workflow, one update, one round. */
function callRun(input: RunJobInput, options: { updateId?: string; bodyHash?: string } = {}) {
  return client().workflow.executeUpdateWithStart<
    () => Promise<RunOutcome>,
    RunOutcome,
    [{ body_hash: string }]
  >(runJobWorkflow.update, {
    args: [{ body_hash: options.bodyHash ?? input.body_hash ?? '' }],
    updateId: options.updateId ?? randomUUID(),
    startWorkflowOperation: new WithStartWorkflowOperation(runJobWorkflow.type, {
      workflowId: workflowIdOf(input.run_id),
      taskQueue: runJobWorkflow.taskQueue,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
    }),
  })
}

test('update-with-start answers the outcome, and the row stands by then', async () => {
  const job = await createJob(executor, { steps: [step('/')] })
  const input = inputFor(job.id)
  const outcome = await callRun(input)
  expect(outcome).toMatchObject({ run_id: input.run_id, status: 'succeeded', output: { body: { ok: true } } })
  const run = (await executor.call('GET', `/api/runs/${input.run_id}`)).body
  expect(run).toMatchObject({ status: 'succeeded', trigger: { kind: 'public_interface' } })
})

test('two calls at once are one run with one effect and the same answer; another body is refused', async () => {
  const job = await createJob(executor, { steps: [step('/hold')] })
  const input = inputFor(job.id)
  const arrived = held()
  const first = callRun(input)
  const response = await arrived
  const second = callRun(input)
  await expect(callRun(input, { bodyHash: 'another' })).rejects.toMatchObject({
    cause: { type: 'idempotency_mismatch' },
  })
  sendJson(response, { once: true })
  expect(await first).toEqual(await second)
  expect(target.received).toHaveLength(1)
})

test('a failed run answers its failure as data, and its workflow has failed', async () => {
  const job = await createJob(executor, { steps: [step('/{{ input.missing }}')] })
  const input = inputFor(job.id)
  expect(await callRun(input)).toMatchObject({ status: 'failed', error: { code: 'template_error' } })
  const described = await client().workflow.getHandle(workflowIdOf(input.run_id)).describe()
  expect(described.status.name).toBe('FAILED')
})

test("a job of another project is not found, even where the workflow runs in one's own namespace", async () => {
  const { rows } = await owner.query(
    `WITH job AS (INSERT INTO executor.jobs (project_id, name, latest_version, created_by)
       VALUES (gen_random_uuid(), 'theirs', 1, 'x') RETURNING id)
     INSERT INTO executor.job_versions (job_id, version, definition, created_by)
       SELECT id, 1, '{"steps": []}', 'x' FROM job RETURNING job_id`,
  )
  expect(await callRun(inputFor(rows[0].job_id))).toMatchObject({
    status: 'failed',
    error: { code: 'not_found' },
  })
})

test("a run's id that another project uses already is not taken over", async () => {
  const job = await createJob(executor, { steps: [step('/')] })
  const input = inputFor(job.id)
  await callRun(input)
  await owner.query('UPDATE executor.job_runs SET project_id = gen_random_uuid() WHERE id = $1', [
    input.run_id,
  ])
  await client()
    .workflow.getHandle(workflowIdOf(input.run_id))
    .terminate()
    .catch(() => {})
  const again = await executor.deps.workers.serve(executor.projectId).then(() =>
    client()
      .workflow.execute(runJobWorkflow.type, {
        workflowId: `other-${input.run_id}`,
        taskQueue: runJobWorkflow.taskQueue,
        args: [input],
      })
      .catch((e: { cause: { type: string } }) => e.cause.type),
  )
  expect(again).toBe('not_found')
  expect(target.received).toHaveLength(1)
})

test('a run that has ended answers its outcome again when Temporal has forgotten it, without a second effect', async () => {
  const job = await createJob(executor, { steps: [step('/')] })
  const input = inputFor(job.id)
  const outcome = await callRun(input)
  const again = (given: RunJobInput) =>
    client().workflow.execute(runJobWorkflow.type, {
      workflowId: `forgotten-${randomUUID()}`,
      taskQueue: runJobWorkflow.taskQueue,
      args: [given],
    })
  expect(await again(input)).toEqual(outcome)
  await expect(again({ ...input, body_hash: 'other' })).rejects.toMatchObject({
    cause: { type: 'idempotency_mismatch' },
  })
  expect(target.received).toHaveLength(1)
})

test.each([
  ['NUL in the input', { input: { a: 'x\0y' } }],
  ['half a surrogate pair in the input', { input: { a: '\ud800' } }],
  ['no such version', { version: 99 }],
])('a workflow that was started with %s fails with a clear code, and does not hang', async (_, over) => {
  const job = await createJob(executor, { steps: [step('/')] })
  const outcome = await callRun(inputFor(job.id, over))
  expect(outcome).toMatchObject({ status: 'failed' })
  expect(outcome).toMatchObject({ error: { code: expect.stringMatching(/^(validation_failed|not_found)$/) } })
})

test.each(['signal', 'request'])('cancelling by %s stops the running step and the run', async (how) => {
  const job = await createJob(executor, { steps: [step('/hold'), { ...step('/'), id: 'never' }] })
  const arrived = held()
  const input = inputFor(job.id)
  const outcome = callRun(input)
  const closed = new Promise((resolve) => void arrived.then((response) => response.once('close', resolve)))
  await arrived
  const handle = client().workflow.getHandle(workflowIdOf(input.run_id))
  expect(await handle.query(runJobWorkflow.query)).toMatchObject({ status: 'running', step_id: 'fetch' })
  if (how === 'signal') await handle.signal(runJobWorkflow.signal)
  else await executor.call('POST', `/api/runs/${input.run_id}/cancel`)
  await closed
  expect(await outcome).toMatchObject({
    status: 'cancelled',
    error: { code: 'run_cancelled', step_id: 'fetch' },
  })
  const run = (await executor.call('GET', `/api/runs/${input.run_id}`)).body
  expect(run.status).toBe('cancelled')
  expect(run.steps.map((s: { step_id: string; status: string }) => [s.step_id, s.status])).toEqual([
    ['fetch', 'cancelled'],
  ])
  expect((await handle.describe()).status.name).toBe(how === 'signal' ? 'FAILED' : 'CANCELLED')
  expect((await executor.call('POST', `/api/runs/${input.run_id}/cancel`)).status).toBe(409)
})

test('cancelling stops a statement on its database server', async () => {
  executor.broker.add({
    projectId: executor.projectId,
    name: 'db',
    type: 'db_dsn',
    secret: { dsn: executor.database.urlOf('executor') },
  })
  const sql = 'SELECT pg_sleep(60) AS cancelled_one'
  const job = await createJob(executor, {
    steps: [{ id: 'ask', type: 'sql.query', credential: 'db', input: { sql } }],
  })
  const started = await executor.call('POST', `/api/jobs/${job.id}/runs`, {})
  const running = async () => {
    const { rows } = await owner.query(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE state = 'active' AND query = $1`,
      [sql],
    )
    return rows[0].n as number
  }
  while ((await running()) === 0);
  await executor.call('POST', `/api/runs/${started.body.id}/cancel`)
  expect((await endOf(executor, started.body.id)).status).toBe('cancelled')
  while ((await running()) > 0);
})

test('the same Idempotency-Key and body is the same run; another body is refused; another caller has its own', async () => {
  const job = await createJob(executor, { steps: [step('/')] })
  const start = (body: unknown, headers: Record<string, string> = {}) =>
    executor.call('POST', `/api/jobs/${job.id}/runs`, body, { 'idempotency-key': 'once', ...headers })
  const first = await start({ input: { a: 1 } })
  expect(first.headers.location).toBe(`/api/runs/${first.body.id}`)
  const [second, third] = await Promise.all([start({ input: { a: 1 } }), start({ input: { a: 1 } })])
  expect([second.body.id, third.body.id]).toEqual([first.body.id, first.body.id])
  const other = await start({ input: { a: 2 } })
  expect([other.status, other.body.code]).toEqual([422, 'idempotency_mismatch'])
  await endOf(executor, first.body.id)
  expect((await start({ input: { a: 1 } })).body).toMatchObject({ id: first.body.id, status: 'succeeded' })
  expect(target.received).toHaveLength(1)
  const key = executor.apiKey.createKey({ projectId: executor.projectId, scopes: ['manage:runs'] })
  const byKey = await start({ input: { a: 1 } }, { 'x-api-key': key })
  expect(byKey.status).toBe(202)
  expect(byKey.body.id).not.toBe(first.body.id)
  await endOf(executor, byKey.body.id)
  expect((await start({}, { 'idempotency-key': 'ü'.repeat(3) })).status).toBe(400)
  expect((await start({}, { 'idempotency-key': 'x'.repeat(256) })).status).toBe(400)
})

test('a run that was queued when the service died is taken up by the next request with its key', async () => {
  const job = await createJob(executor, { steps: [step('/')] })
  const { projectId, userId } = executor
  const id = idFor(projectId, `user:${userId}`, job.id, 'crash')
  // What a crash between the row and the workflow's start leaves.
  const left = await executor.deps.runs.ensure({
    id,
    jobId: job.id,
    jobVersion: 1,
    projectId,
    trigger: { kind: 'api', interface_id: null, user_id: userId, api_key_id: null },
    input: {},
    workflowId: workflowIdOf(id),
    bodyHash: createHash('sha256').update('{"input":{}}').digest('hex'),
  })
  expect(left.status).toBe('queued')
  const started = await executor.call('POST', `/api/jobs/${job.id}/runs`, {}, { 'idempotency-key': 'crash' })
  expect(started.body).toMatchObject({ id, created_at: left.createdAt.toISOString() })
  expect((await endOf(executor, id)).status).toBe('succeeded')
  expect(target.received).toHaveLength(1)
})

test('a queued run that no workflow ever took up can be cancelled', async () => {
  const job = await createJob(executor, { steps: [step('/')] })
  const id = randomUUID()
  const { projectId } = executor
  const trigger = { kind: 'api' as const, interface_id: null, user_id: null, api_key_id: null }
  const workflowId = workflowIdOf(id)
  const row = { id, jobId: job.id, jobVersion: 1, projectId, trigger, input: {}, workflowId, bodyHash: null }
  await executor.deps.runs.ensure(row)
  const cancelled = await executor.call('POST', `/api/runs/${id}/cancel`)
  expect(cancelled.body).toMatchObject({ status: 'cancelled', error: { code: 'run_cancelled' } })
})

test('a run whose workflow was terminated can be cancelled, and does not stay running', async () => {
  const job = await createJob(executor, { steps: [step('/hold')] })
  const arrived = held()
  const { body } = await executor.call('POST', `/api/jobs/${job.id}/runs`, {})
  const response = await arrived
  await client().workflow.getHandle(workflowIdOf(body.id)).terminate()
  const cancelled = await executor.call('POST', `/api/runs/${body.id}/cancel`)
  expect([cancelled.status, cancelled.body.status]).toEqual([202, 'cancelled'])
  const run = (await executor.call('GET', `/api/runs/${body.id}`)).body
  expect(run.steps.map((one: { status: string }) => one.status)).toEqual(['cancelled'])
  expect((await executor.call('POST', `/api/runs/${body.id}/cancel`)).status).toBe(409)
  sendJson(response, { ok: true })
})
