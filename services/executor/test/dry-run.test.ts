import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createJob, type ExecutorUnderTest, startExecutor } from './support/executor.ts'

let executor: ExecutorUnderTest
beforeAll(async () => {
  executor = await startExecutor()
}, 60_000)
afterAll(() => executor?.stop())

const input_schema = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'integer' }, name: { type: 'string' } },
  additionalProperties: false,
}
const fetch = {
  id: 'fetch',
  type: 'http.get',
  credential: 'a token that is not even there',
  input: { url: 'https://shop.example.com/orders/{{ input.id }}', headers: { 'X-Run': '{{ run.id }}' } },
}
const tell = {
  id: 'tell',
  type: 'http.post',
  timeout_seconds: 7,
  input: {
    url: 'https://chat.example.com/{{ input.name }}',
    json: {
      text: 'Order {{ input.id }} is {{ steps.fetch.body.state }}',
      lines: '{{ steps.fetch.body.lines }}',
    },
  },
}
const definition = { input_schema, steps: [fetch, tell], output: '{{ steps.tell.status }}' }
const input = { id: 7, name: 'a/b' }
const dryRun = (body: Record<string, unknown>) => executor.call('POST', '/api/jobs/dry-run', body)

test('each step is shown as it would run; what only a run will tell stands as it is written and is named', async () => {
  const { status, body } = await dryRun({ definition, input })
  expect(status).toBe(200)
  expect(body).toEqual({
    ok: true,
    errors: [],
    steps: [
      {
        path: 'steps[0]',
        id: 'fetch',
        type: 'http.get',
        runs: true,
        input: {
          value: { url: 'https://shop.example.com/orders/7', headers: { 'X-Run': '{{ run.id }}' } },
          unknown: ['run.id'],
        },
        credential: fetch.credential,
        client_certificate: null,
        connector: null,
        via: [],
        timeout_seconds: 30,
        max_attempts: 3,
      },
      {
        path: 'steps[1]',
        id: 'tell',
        type: 'http.post',
        runs: true,
        input: {
          value: { url: 'https://chat.example.com/a%2Fb', json: tell.input.json },
          unknown: ['steps.fetch.body.state', 'steps.fetch.body.lines'],
        },
        credential: null,
        client_certificate: null,
        connector: null,
        via: [],
        timeout_seconds: 7,
        max_attempts: 1,
      },
    ],
    output: { value: '{{ steps.tell.status }}', unknown: ['steps.tell.status'] },
  })
})

test('results that are given for earlier steps are rendered into later ones', async () => {
  const step_results = {
    fetch: { status: 200, body: { state: 'open', lines: [1, 2] } },
    tell: { status: 201 },
  }
  const { body } = await dryRun({ definition, input, step_results })
  expect(body.steps[1].input).toEqual({
    value: { url: 'https://chat.example.com/a%2Fb', json: { text: 'Order 7 is open', lines: [1, 2] } },
    unknown: [],
  })
  expect([body.ok, body.output]).toEqual([true, { value: 201, unknown: [] }])
})

test('a saved job is dry-run in the version asked for, and nothing of it is run or lent', async () => {
  const { id } = await createJob(executor, { steps: [{ id: 'a', type: 'http.get', input: fetch.input }] })
  const changed = { id: 'b', type: 'http.get', input: { url: 'https://x/{{ run.job_version }}' } }
  await executor.deps.workers.serve(executor.projectId)
  await executor.call('PUT', `/api/jobs/${id}`, { name: randomUUID(), steps: [changed] })
  const latest = await dryRun({ job_id: id })
  expect(latest.body.steps).toMatchObject([{ id: 'b', input: { value: { url: 'https://x/2' } } }])
  const first = await dryRun({ job_id: id, version: 1, input: { id: 1 } })
  expect(first.body.steps).toMatchObject([{ id: 'a' }])
  expect((await dryRun({ job_id: randomUUID() })).status).toBe(404)
  expect(executor.broker.lent).toEqual([])
  expect((await executor.call('GET', '/api/runs')).body.items).toEqual([])
})

test("another project's job is not found", async () => {
  const { id } = await createJob(executor, { steps: [{ ...fetch, credential: undefined }] })
  const { token } = await executor.apiKey.createUser({ role: 'owner', projectId: randomUUID() })
  const answer = await executor.call(
    'POST',
    '/api/jobs/dry-run',
    { job_id: id },
    { authorization: `Bearer ${token}` },
  )
  expect(answer.status).toBe(404)
})

test.each<[string, Record<string, unknown>, string, RegExp]>([
  [
    'an input that the schema refuses',
    { definition, input: { id: 'x', name: 'y' } },
    'body.input.id',
    /integer/,
  ],
  [
    'a missing input',
    { definition: { input_schema, steps: [{ ...fetch, input: { url: 'https://x/' } }] }, input: {} },
    'body.input.id',
    /required/,
  ],
  [
    'a variable that the input lacks',
    { definition: { ...definition, input_schema: {} }, input: { id: 1 } },
    'body.definition.steps[1].input.url',
    /Unknown variable \{\{ input.name/,
  ],
  [
    'a value that the step type refuses',
    {
      definition: { steps: [{ id: 'a', type: 'http.get', input: { url: '{{ input.u }}' } }] },
      input: { u: 'ftp://x' },
    },
    'body.definition.steps[0].input.url',
    /http or https/,
  ],
  [
    'a result that lacks what is asked of it',
    { definition, input, step_results: { fetch: { status: 200, body: { lines: [] } } } },
    'body.definition.steps[1].input.json.text',
    /Unknown variable \{\{ steps.fetch.body.state/,
  ],
  [
    'a result of no step',
    { definition, input, step_results: { nobody: 1 } },
    'body.step_results.nobody',
    /not the id/,
  ],
  [
    'an unknown step type',
    { definition: { steps: [{ id: 'a', type: 'http.teapot', input: {} }] } },
    'body.definition.steps[0].type',
    /must be one of/,
  ],
  [
    'a step that comes later',
    {
      definition: {
        steps: [
          { id: 'a', type: 'http.get', input: { url: 'https://x/{{ steps.b.body }}' } },
          { ...fetch, id: 'b' },
        ],
      },
      input,
    },
    'body.definition.steps[0].input.url',
    /comes later/,
  ],
])('%s is told, and the rest is shown', async (_, request, path, message) => {
  const { status, body } = await dryRun(request)
  expect([status, body.ok]).toEqual([200, false])
  expect(body.errors).toEqual([{ path, message: expect.stringMatching(message) }])
  expect(body.steps.length).toBe((request.definition as typeof definition).steps.length)
})

test.each<[string, Record<string, unknown>, string]>([
  ['neither definition nor job', {}, 'body.definition'],
  ['both', { definition, job_id: randomUUID() }, 'body.definition'],
  ['a version of a definition', { definition, version: 1 }, 'body.version'],
  ['no steps', { definition: { steps: [] } }, 'body.definition.steps'],
  ['a surplus field', { definition, run: true }, 'body'],
  ['results that are a list', { definition, step_results: [1] }, 'body.step_results'],
])('%s is 422 naming the field', async (_, request, path) => {
  const { status, body } = await dryRun(request)
  expect([status, body.errors[0].path]).toEqual([422, path])
})

test('what the steps render to together is bounded', async () => {
  const big = { id: 'a', type: 'http.post', input: { url: 'https://x/', text: '{{ input.big }}' } }
  const steps = Array.from({ length: 40 }, (_, index) => ({ ...big, id: `s${index}` }))
  const { status, body } = await dryRun({ definition: { steps }, input: { big: 'x'.repeat(200_000) } })
  expect([status, body.ok]).toEqual([200, false])
  expect(body.steps.filter(({ input }: { input: unknown }) => input !== null)).toHaveLength(20)
  expect(body.errors[0].message).toMatch(/more than 4 MB/)
})
