import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { namespaceOf, workflowIdOf } from '@opsconductor/contracts'
import { testTemporalAddress } from '@opsconductor/test-peers'
import { type CallSetup, startCallSetup } from './call-setup.ts'
import { type Answer, eventually, send } from './harness.ts'
import { startProjectWorker } from './project-worker.ts'
import { jobWorkflow, publishRun } from './setups.ts'

let setup: CallSetup
beforeAll(async () => {
  setup = await startCallSetup({ waitSeconds: 1 })
})
afterAll(() => setup.stop())

const newKey = () => ({ 'idempotency-key': randomUUID() })
const effectsOf = (effect: string) => setup.worker.effects.filter((name) => name === effect)
const statusUrlOf = (runId: unknown) => setup.runUrl.replace(/\/run$/, `/_runs/${runId}`)

/** The run's status once it has ended, as the key that started it sees it. */
const ended = (statusUrl: string, apiKey = setup.key): Promise<Answer['body']> =>
  eventually(async () => {
    const { body } = await send(statusUrl, { headers: { 'x-api-key': apiKey } })
    return body.status === 'running' ? undefined : body
  })

test("a failed run is the problem that its outcome names, told with the step; a code we do not know is step_failed's", async () => {
  const failed = await setup.call(setup.runUrl, { body: { fail: 'target_unreachable' } })
  expect(failed).toMatchObject({
    status: 502,
    headers: {
      'content-type': expect.stringContaining('application/problem+json'),
      'x-run-id': expect.any(String),
    },
    body: {
      code: 'target_unreachable',
      detail: 'the target said no',
      errors: [
        { path: 'run_id', message: failed.headers['x-run-id'] },
        { path: 'steps.only', message: 'the target said no' },
      ],
    },
  })
  expect(await setup.call(setup.runUrl, { body: { fail: 'constructor' } })).toMatchObject({
    status: 502,
    body: { code: 'step_failed' },
  })
})

test('an output that is not what the interface promises is 502, not passed on', async () => {
  const { harness, project, workflowId, call } = setup
  const { public_interface: face } = await publishRun(harness, project, workflowId, {
    name: 'promise',
    output_schema: { type: 'object', required: ['count'] },
  })
  const broken = await call(face.url, { body: { output: { secret: 'hidden' } } })
  expect(broken).toMatchObject({
    status: 502,
    body: { code: 'invalid_answer', errors: [{ path: 'output.count' }] },
  })
  expect(JSON.stringify(broken.body)).not.toContain('hidden')
  expect((await call(face.url, { body: { output: { count: 1 } } })).status).toBe(200)
})

test('two calls at once with one Idempotency-Key: both wait, the same answer, one run and one effect', async () => {
  const options = { headers: newKey(), body: { effect: randomUUID(), wait_ms: 100 } }
  const [first, second] = await Promise.all([
    setup.call(setup.runUrl, options),
    setup.call(setup.runUrl, options),
  ])
  expect(first).toMatchObject({ status: 200, body: { status: 'succeeded' } })
  expect(second.body).toEqual(first.body)
  expect(effectsOf(options.body.effect)).toHaveLength(1)
})

test.each([
  ['a success', undefined, 200],
  ['a failure', 'target_refused', 502],
])(
  'the same Idempotency-Key after the run has ended answers %s again, without another effect',
  async (_, fail, status) => {
    const options = { headers: newKey(), body: { effect: randomUUID(), fail } }
    const first = await setup.call(setup.runUrl, options)
    await ended(statusUrlOf(first.headers['x-run-id']))
    const again = await setup.call(setup.runUrl, options)
    expect(again.status).toBe(status)
    expect({ ...again.body, trace_id: null }).toEqual({ ...first.body, trace_id: null })
    expect(effectsOf(options.body.effect)).toHaveLength(1)
  },
)

test('the same Idempotency-Key with another body is 422, while the run is open and after it has ended', async () => {
  const { call, runUrl } = setup
  const headers = newKey()
  const body = { wait_ms: 500, effect: randomUUID() }
  const running = call(runUrl, { headers, body })
  const mismatch = { status: 422, body: { code: 'idempotency_mismatch' } }
  await eventually(async () => (effectsOf(body.effect).length > 0 ? true : undefined))
  expect(await call(runUrl, { headers, body: { wait_ms: 501 } })).toMatchObject(mismatch)
  const first = await running
  expect(first.status).toBe(200)
  await ended(statusUrlOf(first.body.run_id))
  expect(await call(runUrl, { headers, body: { wait_ms: 501 } })).toMatchObject(mismatch)
  // Another order of names is no other body.
  const reordered = { effect: body.effect, wait_ms: 500 }
  expect((await call(runUrl, { headers, body: reordered })).body).toEqual(first.body)
})

test("another key's call with the same Idempotency-Key is a run of its own, as is the same key's on another interface", async () => {
  const { harness, project, workflowId, call, runUrl } = setup
  const headers = newKey()
  const { public_interface: other } = await publishRun(harness, project, workflowId, { name: 'other' })
  const runs = [
    await call(runUrl, { headers }),
    await call(runUrl, { headers: { ...headers, 'x-api-key': project.createKey() } }),
    await call(other.url, { headers }),
  ]
  expect(runs.map(({ status }) => status)).toEqual([200, 200, 200])
  expect(new Set(runs.map(({ body }) => body.run_id)).size).toBe(3)
})

test('an Idempotency-Key that is empty, too long, repeated or not visible ASCII is 400', async () => {
  const { call, runUrl } = setup
  for (const value of ['', 'x'.repeat(256), 'a b', 'a, b'])
    expect(await call(runUrl, { headers: { 'idempotency-key': value } })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'header.Idempotency-Key' }] },
    })
  expect((await call(runUrl, { headers: { 'idempotency-key': 'x'.repeat(255) } })).status).toBe(200)
})

test('a run that outlasts the wait is 202 with a status URL, which tells the end, only to the key that started it', async () => {
  const { harness, project, workflowId, run, key, call, direct, runUrl } = setup
  const answer = await call(runUrl, { body: { wait_ms: 2_000, output: 'late' } })
  const { run_id: runId, status_url: statusUrl } = answer.body
  expect(statusUrl).toBe(`${harness.gatewayUrl}/api/v1/${run.public_interface.hash}/_runs/${runId}`)
  expect(answer).toMatchObject({
    status: 202,
    headers: { location: statusUrl, 'x-run-id': runId },
    body: { status: 'running' },
  })
  const status = (url: string, apiKey: string) => send(url, { headers: { 'x-api-key': apiKey } })
  expect(await status(statusUrl, key)).toMatchObject({
    status: 200,
    body: { run_id: runId, status: 'running' },
  })
  expect((await status(statusUrl, project.createKey())).status).toBe(404)
  const { public_interface: other } = await publishRun(harness, project, workflowId, { name: 'elsewhere' })
  expect((await status(statusUrl.replace(run.public_interface.hash, other.hash), key)).status).toBe(404)
  expect((await status(direct(statusUrl).replace(runId ?? '', randomUUID()), key)).status).toBe(404)
  expect((await call(direct(statusUrl))).status).toBe(405)
  expect((await send(statusUrl)).status).toBe(401)
  expect(await ended(statusUrl)).toEqual({ run_id: runId, status: 'succeeded', output: 'late' })
})

test('the status of a run that failed or was terminated after the wait tells why, with the step where there is one', async () => {
  const { harness, project, call, runUrl } = setup
  const slow = await call(runUrl, { body: { wait_ms: 1_300, fail: 'target_refused' } })
  expect(slow.status).toBe(202)
  expect(await ended(slow.body.status_url)).toMatchObject({
    status: 'failed',
    error: { code: 'target_refused', message: 'the target said no', step_id: 'only' },
  })
  const options = { headers: newKey(), body: { wait_ms: 60_000 } }
  const stuck = await call(runUrl, options)
  const client = harness.deps.temporal.clientFor(namespaceOf(project.projectId))
  await client.workflow.getHandle(workflowIdOf(stuck.body.run_id ?? '')).terminate()
  expect(await ended(stuck.body.status_url)).toMatchObject({
    status: 'failed',
    error: { code: 'step_failed', message: 'The run was terminated.' },
  })
  expect(await call(runUrl, options)).toMatchObject({ status: 502, body: { code: 'step_failed' } })
})

test('the interfaces status and cancel of a job work on the runs of its workflow: progress, end by cancel, 404 for others', async () => {
  const { harness, project, workflowId, call, runUrl } = setup
  const publish = async (name: string, interface_type: string, callable_name: string) =>
    (await publishRun(harness, project, workflowId, { name, interface_type, callable_name })).public_interface
      .url
  const [status, cancel] = [
    await publish('state', 'query', 'status'),
    await publish('stop', 'signal', 'cancel'),
  ]
  const { run_id } = (await call(runUrl, { body: { wait_ms: 60_000 } })).body
  expect(await call(status, { body: { run_id } })).toMatchObject({
    status: 200,
    body: { run_id, status: 'running', step_id: 'only' },
  })
  expect(await call(cancel, { body: { run_id } })).toMatchObject({
    status: 202,
    headers: { 'x-run-id': run_id },
    body: { run_id },
  })
  const end = await eventually(async () => {
    const { body } = await call(status, { body: { run_id } })
    return body.status === 'running' ? undefined : body
  })
  expect(end).toMatchObject({ status: 'cancelled', error: { code: 'run_cancelled' } })
  await ended(statusUrlOf(run_id))
  await eventually(async () => ((await call(cancel, { body: { run_id } })).status === 409 ? true : undefined))
  expect(await call(cancel, { body: {} })).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'body.run_id' }] },
  })
  const elsewhere = await publishRun(harness, project, await jobWorkflow(harness, project))
  const foreign = (await call(elsewhere.public_interface.url)).body.run_id
  for (const url of [status, cancel])
    expect((await call(url, { body: { run_id: foreign } })).status).toBe(404)
})

test('a call whose run is cancelled while it waits is 409 run_cancelled', async () => {
  const { harness, project, workflowId, call, runUrl } = setup
  const { public_interface: cancel } = await publishRun(harness, project, workflowId, {
    name: 'end',
    interface_type: 'signal',
    callable_name: 'cancel',
  })
  const options = { headers: newKey(), body: { wait_ms: 60_000 } }
  const first = await call(runUrl, options)
  expect(first.status).toBe(202)
  const waiting = call(runUrl, options)
  await call(cancel.url, { body: { run_id: first.body.run_id } })
  expect(await waiting).toMatchObject({ status: 409, body: { code: 'run_cancelled' } })
})

test('without a worker the call is 202: the run is kept and done when a worker is there', async () => {
  const { harness } = setup
  const lonely = await harness.createProject()
  const { public_interface: face } = await publishRun(harness, lonely, await jobWorkflow(harness, lonely))
  const key = lonely.createKey()
  const answer = await send(face.url, {
    method: 'POST',
    body: { output: 'at last' },
    headers: { 'x-api-key': key },
  })
  expect(answer.status).toBe(202)
  const late = await startProjectWorker(testTemporalAddress(), lonely.projectId)
  try {
    expect(await ended(answer.body.status_url, key)).toMatchObject({ status: 'succeeded', output: 'at last' })
  } finally {
    await late.stop()
  }
})
