import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { testTemporalAddress, testTemporalCli } from '@opsconductor/test-peers'
import { Client, Connection } from '@temporalio/client'
import { createJob, type ExecutorUnderTest, startExecutor } from '../support/executor.ts'

let executor: ExecutorUnderTest
let connection: Connection
let client: Client
let jobId: string

const definition = {
  name: 'greet people',
  input_schema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
  steps: [{ id: 'a', type: 'set', input: { values: { text: 'Dear {{ input.name }}' } } }],
}

beforeAll(async () => {
  executor = await startExecutor()
  jobId = (await createJob(executor, definition)).id
  await executor.deps.workers.serve(executor.projectId)
  connection = await Connection.connect({ address: testTemporalAddress() })
  client = new Client({ connection, namespace: `project-${executor.projectId}` })
}, 60_000)
afterAll(async () => {
  await connection?.close()
  await executor?.stop()
})

const taskQueue = 'opsconductor-jobs'
const start = (...args: unknown[]) =>
  client.workflow.execute('runJob', { taskQueue, workflowId: randomUUID(), args })
const causeOf = (running: Promise<unknown>) =>
  running.then(
    () => undefined,
    (error) => ({ type: error.cause?.type, message: error.cause?.message }),
  )

test('any Temporal client starts a job with its name or id and an input, and is answered the outcome', async () => {
  const outcome = await start({ job: 'greet people', input: { name: 'Ada' } })
  expect(outcome).toMatchObject({ status: 'succeeded', output: { text: 'Dear Ada' } })
  const { run_id } = outcome as { run_id: string }
  expect((await executor.call('GET', `/api/runs/${run_id}`)).body).toMatchObject({
    status: 'succeeded',
    job_id: jobId,
    job_version: 1,
    trigger: { kind: 'temporal', user_id: null },
  })
  expect(await start({ job: jobId.toUpperCase(), input: { name: 'Bob' } })).toMatchObject({
    output: { text: 'Dear Bob' },
  })
})

test('the latest version runs, unless another is asked for', async () => {
  const job = await createJob(
    executor,
    definition.steps.length ? { ...definition, name: 'two versions' } : {},
  )
  await executor.call('PUT', `/api/jobs/${job.id}`, {
    ...definition,
    name: 'two versions',
    steps: [{ id: 'a', type: 'set', input: { values: { text: 'Hello' } } }],
  })
  const input = { name: 'x' }
  expect(await start({ job: job.id, input })).toMatchObject({ output: { text: 'Hello' } })
  expect(await start({ job: job.id, input, version: 1 })).toMatchObject({ output: { text: 'Dear x' } })
})

test('the run of a workflow is always the same: its id follows from the workflow', async () => {
  const workflowId = randomUUID()
  const options = { taskQueue, workflowId, args: [{ job: 'greet people', input: { name: 'a' } }] }
  const handle = await client.workflow.start('runJob', options)
  const { run_id } = (await handle.result()) as { run_id: string }
  expect((await handle.query<{ run_id: string }, []>('status')).run_id).toBe(run_id)
  const { items } = (await executor.call('GET', `/api/runs?job_id=${jobId}`)).body
  expect(items.filter(({ id }: { id: string }) => id === run_id)).toHaveLength(1)
})

test('a client written in Go starts a job and reads its outcome', async () => {
  const { stdout } = await promisify(execFile)(testTemporalCli(), [
    ...['workflow', 'execute', '--address', testTemporalAddress(), '--output', 'json'],
    ...['--namespace', `project-${executor.projectId}`, '--task-queue', taskQueue, '--type', 'runJob'],
    ...['--workflow-id', randomUUID(), '--input', '{"job":"greet people","input":{"name":"Go"}}'],
  ])
  expect(JSON.parse(stdout)).toMatchObject({
    status: 'COMPLETED',
    result: { status: 'succeeded', output: { text: 'Dear Go' } },
  })
})

test("a worker refuses a job that is not of its namespace's project", async () => {
  const other = randomUUID()
  const { token } = await executor.apiKey.createUser({ role: 'admin', projectId: other })
  const theirs = await executor.call('POST', '/api/jobs', definition, { authorization: `Bearer ${token}` })
  expect(theirs.status).toBe(201)
  const refused = {
    type: 'not_found',
    message: 'The project has no such job, or no such version of it.',
  }
  expect(await causeOf(start({ job: theirs.body.id, input: { name: 'x' } }))).toEqual(refused)
  const full = {
    ...{ run_id: randomUUID(), job_id: theirs.body.id, version: 1, input: { name: 'x' }, body_hash: null },
    trigger: { kind: 'api' },
  }
  expect(await causeOf(start(full))).toMatchObject({ type: 'not_found' })
})

test.each([
  ['nothing', [], 'no run'],
  ['a string', ['runJob'], 'no run'],
  ['null', [null], 'no run'],
  ['a list', [[]], 'no run'],
  ['no such job', [{ job: 'nobody' }], 'no such job'],
  ['no such version', [{ job: 'greet people', input: { name: 'x' }, version: 9 }], 'no such version'],
  ['an input that does not fit', [{ job: 'greet people', input: { name: 7 } }], 'input.name'],
  ['no input where one is needed', [{ job: 'greet people' }], 'input.name'],
  ['a surplus field', [{ job: 'greet people', input: { name: 'x' }, projectId: 'p' }], 'projectId'],
  ['a run id that is none', [{ job: 'greet people', input: { name: 'x' }, run_id: '../x' }], 'run_id'],
  ['NUL in the input', [{ job: 'greet people', input: { name: 'a\0b' } }], 'NUL'],
  ['a job of 10,000 characters', [{ job: 'x'.repeat(10_000) }], 'input.job'],
])('a start with %s fails the workflow and says why', async (_, args, text) => {
  const cause = await causeOf(start(...args))
  expect(['validation_failed', 'not_found']).toContain(cause?.type)
  expect(cause?.message).toContain(text)
})
