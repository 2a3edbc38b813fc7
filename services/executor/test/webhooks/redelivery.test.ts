import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { getPinnedRunEndpoint } from '@opsconductor/contracts'
import { testInternalKey } from '@opsconductor/test-peers'
import { verifyWebhook } from '@opsconductor/webhook-signatures'
import { createJob, type ExecutorUnderTest, runToEnd, startExecutor } from '../support/executor.ts'
import { type Received, sendJson, startTarget } from '../support/target-server.ts'

let executor: ExecutorUnderTest
let receiver: Awaited<ReturnType<typeof startTarget>>
let answer: (response: ServerResponse) => void

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

beforeAll(async () => {
  receiver = await startTarget((_, response) => answer(response))
  executor = await startExecutor()
  await executor.open(receiver.port)
  const { projectId } = executor
  executor.broker.add({ projectId, name: 'hook', type: 'webhook_secret', secret: { secret } })
  await executor.deps.workers.serve(projectId)
}, 60_000)
afterAll(async () => {
  await executor?.stop()
  await receiver?.close()
})
beforeEach(() => {
  receiver.received.length = 0
  answer = (response) => sendJson(response, { ok: true })
  executor.broker.onLend(async () => {})
})

const hook = (payload: unknown) => ({
  id: 'tell',
  type: 'webhook.call',
  credential: 'hook',
  input: { url: `${receiver.url}/hook`, event_type: 'a.b', payload, retry: { max_attempts: 1 } },
})
const redeliver = (runId: string, body: unknown = {}, step = 'tell') =>
  executor.call('POST', `/api/runs/${runId}/steps/${step}/redeliver`, body)
const deliveriesOf = async (runId: string) =>
  (await executor.call('GET', `/api/runs/${runId}/deliveries`)).body.items
const redelivered = (id: string) =>
  executor.deps.temporal
    .clientFor(`project-${executor.projectId}`)
    .workflow.getHandle(`redelivery-${id}`)
    .result()

async function pinned(id: string) {
  const url = `${executor.internalUrl}${getPinnedRunEndpoint.path.replace('{id}', id)}`
  const answered = await fetch(url, { headers: { 'x-internal-key': testInternalKey } })
  return { status: answered.status, body: (await answered.json()) as Record<string, unknown> }
}

test('a webhook that was not taken is delivered once more: the same id and payload, signed anew, in the log', async () => {
  answer = (response) => void response.writeHead(500).end()
  const job = await createJob(executor, { steps: [hook({ order: '{{ input.order }}' })] })
  const run = await runToEnd(executor, job.id, { order: 7 })
  expect(run.status).toBe('failed')
  answer = (response) => sendJson(response, { ok: true })
  const asked = await redeliver(run.id)
  expect(asked).toMatchObject({
    status: 202,
    headers: { location: `/api/runs/${run.id}/deliveries` },
    body: { run_id: run.id, step_id: 'tell', item: '', webhook_id: expect.stringMatching(/^msg_/) },
  })
  await redelivered(asked.body.id)
  const [first, second] = receiver.received as [Received, Received]
  expect(second.headers['webhook-id']).toBe(first.headers['webhook-id'])
  expect(second.body).toBe(first.body)
  const { headers, body } = second
  expect(verifyWebhook({ style: 'standard', secrets: [secret], headers, body, now: new Date() }).valid).toBe(
    true,
  )
  expect(await deliveriesOf(run.id)).toMatchObject([
    { attempt: 2, status: 'delivered', redelivery_id: asked.body.id, next_attempt_at: null },
    { attempt: 1, status: 'failed', redelivery_id: null },
  ])
  const after = (await executor.call('GET', `/api/runs/${run.id}`)).body
  // What the run came to stays so; the attempt stands among its others.
  expect(after.status).toBe('failed')
  expect(after.steps.map((one: { attempt: number; status: string }) => [one.attempt, one.status])).toEqual([
    [1, 'failed'],
    [2, 'succeeded'],
  ])
  expect(executor.lines.join('')).toContain('webhook redelivery asked for')
})

test('its credential is borrowed under an id of its own, which the broker is told of while it is under way', async () => {
  const job = await createJob(executor, {
    steps: [hook(1), { id: 'other', type: 'http.get', input: { url: receiver.url } }],
  })
  const run = await runToEnd(executor, job.id)
  const seen: unknown[] = []
  let lending = () => {}
  const lent = new Promise<void>((resolve) => (lending = resolve))
  let proceed = () => {}
  executor.broker.onLend(async () => {
    lending()
    await new Promise<void>((resolve) => (proceed = resolve))
  })
  const { id } = (await redeliver(run.id)).body
  await lent
  seen.push(await pinned(id))
  expect((await redeliver(run.id)).body).toMatchObject({ code: 'conflict' })
  const age = (by: string) =>
    executor.deps.pool.query(
      'UPDATE executor.webhook_redeliveries SET created_at = created_at + $2::interval WHERE id = $1',
      [id, by],
    )
  // One that never ends may not borrow for ever.
  await age('-61 minutes')
  expect((await pinned(id)).status).toBe(404)
  await age('61 minutes')
  proceed()
  await redelivered(id)
  expect(seen).toEqual([
    {
      status: 200,
      body: {
        run_id: id,
        project_id: executor.projectId,
        job_id: job.id,
        job_version: 1,
        status: 'running',
        steps: [{ id: 'tell', type: 'webhook.call', credentials: ['hook'] }],
      },
    },
  ])
  expect(executor.broker.lent.at(-1)).toMatchObject({ run_id: id, step_id: 'tell' })
  expect((await pinned(id)).status).toBe(404)
})

test('one that fails leaves its reason in the log and may be asked for again', async () => {
  const job = await createJob(executor, { steps: [hook(1)] })
  const run = await runToEnd(executor, job.id)
  answer = (response) => void response.writeHead(503).end()
  await redelivered((await redeliver(run.id)).body.id)
  answer = (response) => sendJson(response, {})
  await redelivered((await redeliver(run.id)).body.id)
  const log = await deliveriesOf(run.id)
  expect(log).toMatchObject([
    { attempt: 3, status: 'delivered' },
    { attempt: 2, status: 'failed', error: { code: 'target_failed' }, next_attempt_at: null },
    { attempt: 1, status: 'delivered' },
  ])
})

test('a webhook that held what was lent is not kept, so it cannot be sent again', async () => {
  const job = await createJob(executor, { steps: [hook({ pasted: `key ${secret}` })] })
  const run = await runToEnd(executor, job.id)
  expect(receiver.received[0]?.body).toContain(secret)
  expect((await redeliver(run.id)).body).toMatchObject({
    code: 'conflict',
    detail: expect.stringContaining('secret'),
  })
  expect(JSON.stringify(run)).not.toContain(secret)
})

test.each([
  ['a run of nobody', async () => redeliver('8f4c54cc-5b07-4f36-8ce1-5a3f1e2d3c4b'), 404],
  ['a step that sent none', async () => redeliver(await endedRun(), {}, 'never'), 404],
  ['an item that there was not', async () => redeliver(await endedRun(), { item: '3' }), 404],
  ['an item that is no place', async () => redeliver(await endedRun(), { item: "3'; --" }), 422],
  ['a field that there is not', async () => redeliver(await endedRun(), { url: 'http://x/' }), 422],
  ['a run that is no id', async () => redeliver('x'), 404],
])('%s is a clear refusal', async (_, ask, status) => {
  expect((await ask()).status).toBe(status)
})

async function endedRun(): Promise<string> {
  const job = await createJob(executor, { steps: [hook(1)] })
  return (await runToEnd(executor, job.id)).id
}

test('in a loop each item has a webhook of its own, which can be delivered again by its place', async () => {
  const loop = { id: 'all', type: 'for_each', input: { items: ['a', 'b'] }, steps: [hook('{{ item }}')] }
  const run = await runToEnd(executor, (await createJob(executor, { steps: [loop] })).id)
  expect(run.status).toBe('succeeded')
  const [second] = (await deliveriesOf(run.id)).filter(({ item }: { item: string }) => item === '1')
  const { id } = (await redeliver(run.id, { item: '1' })).body
  await redelivered(id)
  const sent = receiver.received.map(({ headers, body }) => [headers['webhook-id'], JSON.parse(body).data])
  expect(new Set(sent.slice(0, 2).map(([webhookId]) => webhookId)).size).toBe(2)
  expect(sent[2]).toEqual([second.webhook_id, 'b'])
})

test('while the run goes on its webhooks are its own', async () => {
  const job = await createJob(executor, {
    steps: [hook(1), { id: 'hold', type: 'wait', input: { seconds: 600 } }],
  })
  const { id } = (await executor.call('POST', `/api/jobs/${job.id}/runs`, {})).body
  while ((await deliveriesOf(id))[0]?.status !== 'delivered');
  expect((await redeliver(id)).body).toMatchObject({ code: 'conflict' })
  await executor.call('POST', `/api/runs/${id}/cancel`)
})
