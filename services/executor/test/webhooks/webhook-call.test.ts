import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { verifyWebhook } from '@opsconductor/webhook-signatures'
import { createJob, type ExecutorUnderTest, endOf, runToEnd, startExecutor } from '../support/executor.ts'
import { replay } from '../support/replay.ts'
import { type Received, sendJson, startTarget } from '../support/target-server.ts'

let executor: ExecutorUnderTest
let receiver: Awaited<ReturnType<typeof startTarget>>
/** How the next requests are answered, in turn; 200 from then on. */
const answers: ((received: Received, response: ServerResponse) => void)[] = []

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const previous = 'the secret before that one'

beforeAll(async () => {
  receiver = await startTarget((received, response) => {
    const answer = answers.shift() ?? ((_: Received, ok: ServerResponse) => sendJson(ok, { queued: true }))
    answer(received, response)
  })
  executor = await startExecutor()
  await executor.open(receiver.port)
  executor.broker.add({
    projectId: executor.projectId,
    name: 'hook',
    type: 'webhook_secret',
    secret: { secret, previous_secret: previous },
  })
  await executor.deps.workers.serve(executor.projectId)
}, 60_000)
afterAll(async () => {
  await executor?.stop()
  await receiver?.close()
})
beforeEach(() => {
  receiver.received.length = 0
  answers.length = 0
})

const status =
  (code: number, headers: Record<string, string> = {}) =>
  (_: Received, response: ServerResponse) =>
    void response.writeHead(code, headers).end()
const cut = (_: Received, response: ServerResponse) => void response.destroy()
/** Quick, for tests: between two attempts a second, give or take a quarter. */
const retry = { first_seconds: 1, max_seconds: 1 }

const hook = (path: string, input: Record<string, unknown>, credential: string | null = 'hook') => ({
  id: 'tell',
  type: 'webhook.call',
  ...(credential === null ? {} : { credential }),
  input: { url: receiver.url + path, retry, ...input },
})
const jobOf = (...steps: unknown[]) => createJob(executor, { steps })
const deliveriesOf = async (runId: string) =>
  (await executor.call('GET', `/api/runs/${runId}/deliveries`)).body.items

function verified(received: Received, known: string) {
  const { headers, body } = received
  return verifyWebhook({ style: 'standard', secrets: [known], headers, body, now: new Date() })
}

test('000.08 000.09 a webhook carries the rendered payload and holds under the current and the previous secret', async () => {
  const job = await jobOf(
    hook('/orders?token=t0ken', {
      event_type: 'order.shipped',
      payload: { order: '{{ input.order }}', run: '{{ run.id }}' },
      headers: { 'X-Source': 'ops' },
    }),
  )
  const run = await runToEnd(executor, job.id, { order: { id: 7 } })
  expect(run).toMatchObject({ status: 'succeeded' })
  const [received] = receiver.received as [Received]
  expect(received).toMatchObject({ method: 'POST', url: '/orders?token=t0ken' })
  expect(received.headers).toMatchObject({ 'content-type': 'application/json', 'x-source': 'ops' })
  const body = JSON.parse(received.body)
  expect(body).toEqual({
    type: 'order.shipped',
    timestamp: expect.any(String),
    data: { order: { id: 7 }, run: run.id },
  })
  const id = run.output.webhook_id
  expect(id).toMatch(/^msg_[0-9a-f]{32}$/)
  for (const known of [secret, previous]) expect(verified(received, known)).toEqual({ valid: true, id })
  expect(verified(received, 'another secret of somebody')).toMatchObject({ code: 'signature_mismatch' })
  expect(run.output).toMatchObject({ attempt: 1, status: 200, body: null })
  expect(await deliveriesOf(run.id)).toEqual([
    expect.objectContaining({
      webhook_id: id,
      step_id: 'tell',
      attempt: 1,
      event_type: 'order.shipped',
      url: `${receiver.url}/orders?…`,
      status: 'delivered',
      response_status: 200,
      error: null,
      next_attempt_at: null,
    }),
  ])
  expect(JSON.stringify(run)).not.toContain(secret)
})

test('000.10 while it is not taken it is tried again, later each time, under the same id, signed anew', async () => {
  answers.push(status(503, { 'retry-after': '1' }), cut, status(500))
  const job = await jobOf(hook('/flaky', { payload: { a: 1 } }))
  const run = await runToEnd(executor, job.id)
  expect(run).toMatchObject({ status: 'succeeded', output: { attempt: 4 } })
  const { received } = receiver
  expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  expect(new Set(received.map(({ body }) => body)).size).toBe(1)
  expect(new Set(received.map(({ headers }) => headers['webhook-signature'])).size).toBeGreaterThan(1)
  for (const one of received) expect(verified(one, secret)).toMatchObject({ valid: true })
  const log = (await deliveriesOf(run.id)).reverse()
  expect(log.map((one: { status: string }) => one.status)).toEqual([
    'failed',
    'failed',
    'failed',
    'delivered',
  ])
  expect(log.map((one: { response_status: number }) => one.response_status)).toEqual([503, null, 500, 200])
  for (const [index, one] of log.slice(0, 3).entries()) {
    expect(one.error.code).toBe(index === 1 ? 'target_unreachable' : 'target_failed')
    // The next attempt came when the line before said.
    const late = Date.parse(log[index + 1].started_at) - Date.parse(one.next_attempt_at)
    expect(late).toBeGreaterThan(-500)
  }
  expect(run.steps.map((one: { attempt: number; status: string }) => [one.attempt, one.status])).toEqual([
    [1, 'failed'],
    [2, 'failed'],
    [3, 'failed'],
    [4, 'succeeded'],
  ])
})

test('a run that waits for its next attempt replays: another worker takes it up where it was', async () => {
  answers.push(status(503, { 'retry-after': '1' }))
  const run = await runToEnd(executor, (await jobOf(hook('/replayed', { payload: 1 }))).id)
  expect(run.status).toBe('succeeded')
  const { workflow } = executor.deps.temporal.clientFor(`project-${executor.projectId}`)
  const history = await workflow.getHandle(`run-${run.id}`).fetchHistory()
  expect(await replay([{ workflowId: 'replayed', history }])).toEqual({ replayed: undefined })
})

test('when no attempt is left the step fails with the last reason', async () => {
  answers.push(status(500), status(502))
  const job = await jobOf(hook('/down', { payload: 1, retry: { ...retry, max_attempts: 2 } }))
  const run = await runToEnd(executor, job.id)
  expect(run).toMatchObject({
    status: 'failed',
    error: { code: 'target_failed', message: 'The receiver answered 502.', step_id: 'tell' },
  })
  expect((await deliveriesOf(run.id))[0]).toMatchObject({
    attempt: 2,
    status: 'failed',
    next_attempt_at: null,
  })
})

test('a receiver that answers 410 gets nothing more, whoever calls it, until somebody enables it', async () => {
  answers.push(status(410))
  const job = await jobOf(hook('/gone', { payload: 1 }))
  const first = await runToEnd(executor, job.id)
  const endpoints = (await executor.call('GET', '/api/webhook-endpoints')).body.items
  const endpoint = endpoints.find(({ url }: { url: string }) => url === `${receiver.url}/gone`)
  expect(endpoint.disabled_at).not.toBeNull()
  const enable = `/api/webhook-endpoints/${endpoint.id}/enable`
  expect(first.error).toMatchObject({ code: 'target_refused', message: expect.stringContaining(enable) })
  const second = await runToEnd(executor, job.id)
  expect(second.error).toMatchObject({ code: 'target_refused', message: expect.stringContaining('Since ') })
  expect(receiver.received).toHaveLength(1)
  expect((await runToEnd(executor, (await jobOf(hook('/other', { payload: 1 }))).id)).status).toBe(
    'succeeded',
  )
  const enabled = await executor.call('POST', enable)
  expect(enabled).toMatchObject({
    status: 200,
    body: { disabled_at: null, enabled_by: `user:${executor.userId}`, enabled_at: expect.any(String) },
  })
  expect((await runToEnd(executor, job.id)).status).toBe('succeeded')
  expect(
    (await executor.call('POST', '/api/webhook-endpoints/8f4c54cc-5b07-4f36-8ce1-5a3f1e2d3c4b/enable'))
      .status,
  ).toBe(404)
})

test('000.11 an endpoint is asked for a challenge once, before its first webhook', async () => {
  answers.push(({ body }, response) => sendJson(response, { challenge: JSON.parse(body).challenge }))
  const job = await jobOf(hook('/asked', { payload: 1, validate: 'challenge' }))
  expect((await runToEnd(executor, job.id)).status).toBe('succeeded')
  expect((await runToEnd(executor, job.id)).status).toBe('succeeded')
  expect(receiver.received.map(({ body }) => JSON.parse(body).type ?? 'webhook')).toEqual([
    'webhook.challenge',
    'webhook',
    'webhook',
  ])
  expect(verified(receiver.received[0] as Received, secret)).toMatchObject({ valid: true })
  const { items } = (await executor.call('GET', '/api/webhook-endpoints')).body
  expect(items[0]).toMatchObject({ url: `${receiver.url}/asked`, validated_by: 'challenge' })
})

test.each<[string, string, (received: Received, response: ServerResponse) => void, string]>([
  [
    'sends another challenge back',
    'challenge',
    (_, ok) => sendJson(ok, { challenge: 'x' }),
    'did not send the challenge back',
  ],
  ['sends no text back', 'challenge', (_, ok) => sendJson(ok, { a: 1 }), 'did not send the challenge back'],
  ['refuses the challenge', 'challenge', status(403), 'was not validated: The receiver answered 403.'],
  ['is not there', 'head', status(404), 'was not validated: The receiver answered 404.'],
])('000.11 an endpoint that %s gets no webhook', async (name, validate, answer, fault) => {
  answers.push(answer)
  const job = await jobOf(hook(`/invalid-${name.length}`, { payload: 1, validate }))
  const run = await runToEnd(executor, job.id)
  expect(run.error).toMatchObject({ code: 'target_refused', message: expect.stringContaining(fault) })
  expect(receiver.received).toHaveLength(1)
})

test('000.11 an endpoint that takes POST only is there', async () => {
  answers.push(status(405))
  const job = await jobOf(hook('/post-only', { payload: 1, validate: 'head' }))
  expect((await runToEnd(executor, job.id)).status).toBe('succeeded')
  expect(receiver.received.map(({ method }) => method)).toEqual(['HEAD', 'POST'])
})

test('000.12 the step fails where the answer is not as expected, and sends nothing twice', async () => {
  const expecting = (equals: unknown) =>
    hook('/conditions', { payload: 1, expect: [{ path: '$.queued', equals }] })
  const met = await runToEnd(executor, (await jobOf(expecting(true))).id)
  expect(met).toMatchObject({ status: 'succeeded', output: { body: { queued: true } } })
  const unmet = await runToEnd(executor, (await jobOf(expecting(false))).id)
  expect(unmet.error).toMatchObject({ code: 'step_failed', message: expect.stringContaining('expect[0]') })
  expect(receiver.received).toHaveLength(2)
  answers.push(status(302, { location: `${receiver.url}/elsewhere` }))
  const allowed = hook('/conditions', { payload: 1, expect_status: [302] })
  expect((await runToEnd(executor, (await jobOf(allowed)).id)).output).toMatchObject({ status: 302 })
})

test("000.09 in GitHub's style event and id are headers and the payload stands alone", async () => {
  const job = await jobOf(
    hook('/github', { signature: 'github', event_type: 'push', payload: { ref: 'main' } }),
  )
  const run = await runToEnd(executor, job.id)
  const [{ headers, body }] = receiver.received as [Received]
  expect(body).toBe('{"ref":"main"}')
  expect(headers).toMatchObject({ 'x-github-event': 'push', 'x-github-delivery': run.output.webhook_id })
  expect(headers['webhook-signature']).toBeUndefined()
  const verify = (known: string) =>
    verifyWebhook({ style: 'github', secrets: [known], headers, body, now: new Date() })
  expect([verify(secret).valid, verify(previous).valid]).toEqual([true, false])
})

test('cancelling a run that waits for its next attempt ends it at once', async () => {
  answers.push(status(500))
  const job = await jobOf(hook('/slow', { payload: 1, retry: { first_seconds: 3_600 } }))
  const started = (await executor.call('POST', `/api/jobs/${job.id}/runs`, {})).body
  const waits = async () => (await deliveriesOf(started.id))[0]?.next_attempt_at != null
  while (!(await waits()));
  await executor.call('POST', `/api/runs/${started.id}/cancel`)
  expect(await endOf(executor, started.id)).toMatchObject({ status: 'cancelled' })
})
