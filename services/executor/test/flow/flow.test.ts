import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createJob, type ExecutorUnderTest, runToEnd, startExecutor } from '../support/executor.ts'
import { sendJson, startTarget } from '../support/target-server.ts'
import { httpGet, set } from './steps.ts'

let executor: ExecutorUnderTest
let target: Awaited<ReturnType<typeof startTarget>>
const failuresLeft = new Map<string, number>()

beforeAll(async () => {
  target = await startTarget((received, response) => {
    const left = failuresLeft.get(received.url) ?? 0
    failuresLeft.set(received.url, left - 1)
    if (received.url === '/refuses') sendJson(response, { error: 'no' }, 409)
    else if (left > 0) sendJson(response, { busy: true }, 503)
    else sendJson(response, { url: received.url, key: received.headers['idempotency-key'] ?? null })
  })
  executor = await startExecutor()
  await executor.open(target.port)
}, 60_000)
afterAll(async () => {
  await executor?.stop()
  await target?.close()
})

const get = (id: string, path: string, more: object = {}) => httpGet(id, target.url + path, more)
async function run(definition: Record<string, unknown>, input: unknown = {}) {
  const job = await createJob(executor, definition)
  return await runToEnd(executor, job.id, input)
}
const statuses = (ended: { steps: { step_id: string; status: string; attempt: number }[] }) =>
  ended.steps.map(({ step_id, status, attempt }) => `${step_id} ${attempt} ${status}`)

test('000.12 a step whose condition does not hold is skipped, and later conditions may ask for it', async () => {
  const job = {
    steps: [
      get('first', '/a', { if: '{{ input.wanted }}' }),
      set('second', { why: 'not asked' }, { if: { value: '{{ steps.first.skipped }}', exists: true } }),
      set('third', { n: '{{ input.n }}' }, { if: { all: [{ value: '{{ input.n }}', at_least: 3 }, true] } }),
    ],
    output: { n: '{{ steps.third.n }}' },
  }
  const skipped = await run(job, { wanted: false, n: 3 })
  expect(skipped).toMatchObject({ status: 'succeeded', output: { n: 3 } })
  expect(statuses(skipped)).toEqual(['first 1 skipped', 'second 1 succeeded', 'third 1 succeeded'])
  expect(skipped.steps[0]).toMatchObject({ output: null, error: null, started_at: null })
  const asked = await run(job, { wanted: true, n: 5 })
  expect(statuses(asked)).toEqual(['first 1 succeeded', 'second 1 skipped', 'third 1 succeeded'])
})

test('what a skipped step did not answer is named in the error of whoever asks for it', async () => {
  const ended = await run({ steps: [get('a', '/a', { if: false }), set('b', { x: '{{ steps.a.body }}' })] })
  expect(ended.error).toEqual({
    code: 'template_error',
    message: 'Unknown variable {{ steps.a.body }}: the step a was skipped.',
    step_id: 'b',
  })
})

test.each([
  ['"yes"', 'yes', 'The condition renders to a string, not to true or false.'],
  ['an object', { a: 1 }, 'The condition renders to an object, not to true or false.'],
  ['null', null, 'The condition renders to null, not to true or false.'],
])('a condition that renders to %s is an error, not a yes', async (_, given, message) => {
  const ended = await run({ steps: [set('a', {}, { if: '{{ input.x }}' })] }, { x: given })
  expect(ended.error).toEqual({ code: 'template_error', message, step_id: 'a' })
})

test('with continue_on_error the run goes on, and later steps see why the step failed', async () => {
  const ended = await run({
    steps: [
      get('try', '/refuses', { continue_on_error: true }),
      set('note', { code: '{{ steps.try.error.code }}' }),
    ],
  })
  expect(ended).toMatchObject({ status: 'succeeded', output: { code: 'target_refused' } })
  expect(statuses(ended)).toEqual(['try 1 failed', 'note 1 succeeded'])
})

test('000.05 a step is tried as often as its retry says, with the same idempotency key', async () => {
  failuresLeft.set('/flaky-post', 3)
  const before = target.received.length
  const ended = await run({
    steps: [
      {
        id: 'send',
        type: 'http.post',
        input: { url: `${target.url}/flaky-post`, json: {} },
        retry: { max_attempts: 5, initial_seconds: 0.1, factor: 1, jitter: true },
      },
    ],
  })
  expect(ended.output.body.key).toBe(`${ended.id}:send`)
  expect(statuses(ended)).toEqual(['send 1 failed', 'send 2 failed', 'send 3 failed', 'send 4 succeeded'])
  const keys = target.received.slice(before).map(({ headers }) => headers['idempotency-key'])
  expect(new Set(keys)).toEqual(new Set([`${ended.id}:send`]))
})

test('the final steps run after success, failure and cancellation, and are told which it was', async () => {
  const steps = (id: string, first: object) => ({
    steps: [first],
    finally: [
      get('clean', `/${id}/{{ run.status }}`),
      set('told', { code: '{{ run.error.code }}' }, { if: { value: '{{ run.error }}', exists: true } }),
    ],
  })
  const good = await run(steps('good', set('a', { b: 1 })))
  expect(good).toMatchObject({ status: 'succeeded', output: { b: 1 } })
  expect(statuses(good)).toEqual(['a 1 succeeded', 'clean 1 succeeded', 'told 1 skipped'])
  const bad = await run(steps('bad', get('a', '/refuses')))
  expect(bad).toMatchObject({ status: 'failed', error: { code: 'target_refused', step_id: 'a' } })
  expect(bad.steps[2].output).toEqual({ code: 'target_refused' })
  expect(target.received.map(({ url }) => url)).toEqual(
    expect.arrayContaining(['/good/succeeded', '/bad/failed']),
  )
})

test('a final step that fails fails a run that had succeeded, and keeps no other from running', async () => {
  const ended = await run({
    steps: [set('a', {})],
    finally: [get('first', '/refuses'), get('last', '/last')],
  })
  expect(ended).toMatchObject({ status: 'failed', error: { code: 'target_refused', step_id: 'first' } })
  expect(statuses(ended)).toEqual(['a 1 succeeded', 'first 1 failed', 'last 1 succeeded'])
  const both = await run({ steps: [get('a', '/refuses')], finally: [set('b', { x: '{{ steps.a.body }}' })] })
  expect(both.error).toMatchObject({ code: 'target_refused', step_id: 'a' })
})

test('wait is a durable timer', async () => {
  const past = await run({ steps: [{ id: 'w', type: 'wait', input: { until: '2020-01-01T00:00:00Z' } }] })
  expect(past.output).toEqual({ waited_seconds: 0, until: '2020-01-01T00:00:00.000Z' })
  const short = await run({ steps: [{ id: 'w', type: 'wait', input: { seconds: 1 } }] })
  expect(short.output.waited_seconds).toBeGreaterThanOrEqual(1)
  const { workflow } = executor.deps.temporal.clientFor(`project-${executor.projectId}`)
  const { events } = await workflow.getHandle(`run-${short.id}`).fetchHistory()
  expect(events?.some(({ timerStartedEventAttributes }) => timerStartedEventAttributes != null)).toBe(true)
})

test.each([
  [{ seconds: -1 }, 'input.seconds'],
  [{ seconds: 1e12 }, 'input.seconds'],
  [{ until: 'tomorrow' }, 'input.until'],
  [{ until: '9999-01-01T00:00:00Z' }, 'more than 2678400 seconds away'],
])('a wait of %j is refused while the run is young', async (wait, text) => {
  const input = Object.fromEntries(Object.keys(wait).map((key) => [key, `{{ input.${key} }}`]))
  const ended = await run({ steps: [{ id: 'w', type: 'wait', input }] }, wait)
  expect(ended.error).toMatchObject({ code: 'validation_failed', step_id: 'w' })
  expect(ended.error.message).toContain(text)
})

test('steps that end within two seconds and may be repeated run without a round through the server', async () => {
  const ended = await run({
    steps: [
      get('a', '/a', { timeout_seconds: 2 }),
      set('b', { x: 1 }),
      get('c', '/c', { timeout_seconds: 3 }),
    ],
  })
  const { workflow } = executor.deps.temporal.clientFor(`project-${executor.projectId}`)
  const { events } = await workflow.getHandle(`run-${ended.id}`).fetchHistory()
  const scheduled = events?.filter((event) => event.activityTaskScheduledEventAttributes != null)
  expect(scheduled).toHaveLength(1)
  expect(statuses(ended)).toEqual(['a 1 succeeded', 'b 1 succeeded', 'c 1 succeeded'])
})
