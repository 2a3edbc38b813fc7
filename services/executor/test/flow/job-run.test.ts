import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createJob, type ExecutorUnderTest, endOf, runToEnd, startExecutor } from '../support/executor.ts'
import { sendJson, startTarget } from '../support/target-server.ts'
import { set } from './steps.ts'

let executor: ExecutorUnderTest
let target: Awaited<ReturnType<typeof startTarget>>
let arrived = Promise.withResolvers<void>()

beforeAll(async () => {
  target = await startTarget((received, response) => {
    if (received.url === '/hang') arrived.resolve()
    else sendJson(response, { error: 'no' }, 409)
  })
  executor = await startExecutor()
  await executor.open(target.port)
}, 60_000)
afterAll(async () => {
  await executor?.stop()
  await target?.close()
})

const other = (job: string, input: unknown = {}, more: object = {}) => ({
  id: 'other',
  type: 'job.run',
  input: { job, input, ...more },
})
const get = (path: string) => ({ id: 'ask', type: 'http.get', input: { url: target.url + path } })
const read = async (id: string) => (await executor.call('GET', `/api/runs/${id}`)).body

const wantsNumber = {
  input_schema: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] },
  steps: [set('a', { double: '{{ input.n }}' })],
}

test('another job runs as a run of its own, by name or id, in the version that is asked for', async () => {
  const inner = await createJob(executor, { ...wantsNumber, name: 'inner job' })
  await executor.call('PUT', `/api/jobs/${inner.id}`, {
    ...wantsNumber,
    name: 'inner job',
    steps: [set('a', { second: '{{ input.n }}' })],
  })
  const outer = await createJob(executor, {
    steps: [
      other('inner job', { n: '{{ input.n }}' }),
      { ...other(inner.id, { n: 2 }, { version: 1 }), id: 'first' },
    ],
    output: {
      latest: '{{ steps.other.output }}',
      pinned: '{{ steps.first.output }}',
      run: '{{ steps.other.run_id }}',
    },
  })
  const ended = await runToEnd(executor, outer.id, { n: 7 })
  expect(ended.output).toMatchObject({ latest: { second: 7 }, pinned: { double: 2 } })
  expect(await read(ended.output.run)).toMatchObject({
    status: 'succeeded',
    job_version: 2,
    parent_run_id: ended.id,
    trigger: { kind: 'job', user_id: ended.trigger.user_id },
  })
})

test("the other job's failure is the step's, and names the run", async () => {
  const inner = await createJob(executor, { steps: [get('/refuses')], name: 'refused job' })
  const outer = await createJob(executor, { steps: [other(inner.id)] })
  const ended = await runToEnd(executor, outer.id)
  expect(ended.error).toMatchObject({ code: 'target_refused', step_id: 'other' })
  expect(ended.error.message).toMatch(/^The job .* failed: .* \(run [0-9a-f-]{36}\)$/)
})

test('the input is held against the schema of the other job', async () => {
  const inner = await createJob(executor, wantsNumber)
  const outer = await createJob(executor, { steps: [other(inner.id, { n: '{{ input.n }}' })] })
  const ended = await runToEnd(executor, outer.id, { n: 'seven' })
  expect(ended.error).toMatchObject({ code: 'validation_failed', step_id: 'other' })
  expect(ended.error.message).toContain('input.n')
})

test('cancelling reaches the run that is waited for, and its step', async () => {
  arrived = Promise.withResolvers()
  const inner = await createJob(executor, { steps: [get('/hang')] })
  const outer = await createJob(executor, { steps: [other(inner.id)] })
  const { body } = await executor.call('POST', `/api/jobs/${outer.id}/runs`, {})
  await arrived.promise
  await executor.call('POST', `/api/runs/${body.id}/cancel`)
  const ended = await endOf(executor, body.id)
  expect(ended).toMatchObject({ status: 'cancelled', steps: [{ step_id: 'other', status: 'cancelled' }] })
  const { items } = (await executor.call('GET', `/api/runs?job_id=${inner.id}`)).body
  expect(await read(items[0].id)).toMatchObject({
    status: 'cancelled',
    steps: [{ step_id: 'ask', status: 'cancelled' }],
  })
})

test('a job that is cancelled by itself fails the step that waits for it', async () => {
  arrived = Promise.withResolvers()
  const inner = await createJob(executor, { steps: [get('/hang')] })
  const outer = await createJob(executor, { steps: [other(inner.id)] })
  const { body } = await executor.call('POST', `/api/jobs/${outer.id}/runs`, {})
  await arrived.promise
  const { items } = (await executor.call('GET', `/api/runs?job_id=${inner.id}`)).body
  await executor.call('POST', `/api/runs/${items[0].id}/cancel`)
  const ended = await endOf(executor, body.id)
  expect(ended).toMatchObject({ status: 'failed', error: { code: 'step_failed', step_id: 'other' } })
  expect(ended.error.message).toContain('it was cancelled')
})

test('a job that runs itself, also through others, is refused when it is saved', async () => {
  const named = (name: string, job: string) => ({ name, steps: [other(job)] })
  const unknown = await executor.call('POST', '/api/jobs', named('ring a', 'ring b'))
  expect(unknown.body.errors).toEqual([
    { path: 'body.steps[0].input.job', message: 'is not a job of this project, or has no such version' },
  ])
  const a = await createJob(executor, { name: 'ring a', steps: [set('x', {})] })
  const b = await createJob(executor, { name: 'ring b', steps: [other('ring a')] })
  for (const job of ['ring a', a.id, 'ring b', b.id]) {
    const answer = await executor.call('PUT', `/api/jobs/${a.id}`, named('ring a', job))
    expect(answer.status).toBe(422)
    expect(answer.body.errors[0].message).toContain('runs this job again')
  }
})

test('where a ring came about all the same, it ends at five runs below the first', async () => {
  const a = await createJob(executor, { name: 'deep a', steps: [set('x', {})] })
  await executor.deps.pool.query('UPDATE executor.job_versions SET definition = $2 WHERE job_id = $1', [
    a.id,
    { input_schema: {}, steps: [other(a.id)] },
  ])
  const ended = await runToEnd(executor, a.id)
  expect(ended.error.message).toContain('Runs nest deeper than 5')
  const { items } = (await executor.call('GET', `/api/runs?job_id=${a.id}`)).body
  expect(items).toHaveLength(6)
})
