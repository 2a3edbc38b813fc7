import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type ExecutorUnderTest, startExecutor } from './support/executor.ts'

let executor: ExecutorUnderTest
beforeAll(async () => {
  executor = await startExecutor()
  const { projectId, broker } = executor
  broker.add({ projectId, name: 'db', type: 'db_dsn', secret: { dsn: 'postgres://u:p@db/x' } })
  broker.add({ projectId, name: 'token', type: 'bearer_token', secret: { token: 'abcdefgh' } })
}, 60_000)
afterAll(() => executor?.stop())

const get = { id: 'fetch', type: 'http.get', input: { url: 'https://example.com/' } }
const validate = async (body: unknown) => {
  const { status, body: answer } = await executor.call('POST', '/api/jobs/validate', body)
  expect(status).toBe(200)
  return answer as { valid: boolean; errors: { path: string; message: string }[] }
}
const pathsOf = async (body: unknown) => (await validate(body)).errors.map(({ path }) => path)

test('a job without a mistake is valid, and is not saved', async () => {
  const job = { name: `valid ${randomUUID()}`, steps: [{ ...get, credential: 'token' }] }
  expect(await validate(job)).toEqual({ valid: true, errors: [] })
  expect((await executor.call('GET', '/api/jobs')).body.items).toEqual([])
  expect((await executor.call('POST', '/api/jobs', job)).status).toBe(201)
  // Its worker is up before the executor is stopped.
  await executor.deps.workers.serve(executor.projectId)
})

test('every mistake is told by its path: of the shape, the steps, the templates, the credentials', async () => {
  const steps = [
    { ...get, credential: 'nobody' },
    { id: 'Bad Id', type: 'http.get', input: {} },
    { id: 'ask', type: 'sql.query', credential: 'token', input: { sql: 'SELECT {{ input.a }}', rows: 1 } },
    { id: 'post', type: 'http.teapot', credential: 'db', input: { x: '{{ steps.nobody.body }}' } },
    { ...get, input: { url: 'https://x/{{ steps.ask.body }}' } },
    { ...get, id: 'retry', timeout_seconds: -1, surplus: true },
  ]
  const { valid, errors } = await validate({
    steps,
    owner: 'me',
    input_schema: { type: 'nonsense' },
    output: '{{ env.HOME }}',
  })
  expect(valid).toBe(false)
  expect(errors.map(({ path }) => path).sort()).toEqual([
    'body',
    'body.input_schema',
    'body.name',
    'body.output',
    'body.steps[0].credential',
    'body.steps[1].id',
    'body.steps[2].credential',
    'body.steps[2].input',
    'body.steps[2].input.sql',
    'body.steps[3].input.x',
    'body.steps[3].type',
    'body.steps[4].id',
    'body.steps[4].input.url',
    'body.steps[5]',
    'body.steps[5].timeout_seconds',
  ])
})

test('what saving refuses, validating tells, with the same words', async () => {
  const job = { name: randomUUID(), steps: [{ ...get, credential: 'db' }, get] }
  const saved = await executor.call('POST', '/api/jobs', job)
  expect(saved.status).toBe(422)
  expect((await validate(job)).errors).toEqual(saved.body.errors)
})

test('a step that has the wrong shape is still one that later templates may name', async () => {
  const steps = [
    { ...get, timeout_seconds: 'long' },
    { ...get, id: 'second', input: { url: 'https://x/{{ steps.fetch.body }}' } },
  ]
  expect(await pathsOf({ name: 'x', steps })).toEqual(['body.steps[0].timeout_seconds'])
})

test.each<[unknown, string[]]>([
  [null, ['body']],
  [[], ['body']],
  [1, ['body']],
  [{}, ['body.steps', 'body.name']],
  [{ name: 'x', steps: 'none' }, ['body.steps']],
  [{ name: 'x', steps: [null, 1, []] }, ['body.steps[0]', 'body.steps[1]', 'body.steps[2]']],
  [{ name: 'x', steps: [{ ...get, id: '__proto__' }] }, ['body.steps[0].id']],
  [{ name: 'x', steps: [{ ...get, input: ['{{ x'] }] }, ['body.steps[0].input']],
])('%j is no job, and its faults are data', async (body, paths) => {
  expect((await pathsOf(body)).sort()).toEqual([...paths].sort())
})

test('of more mistakes than a person mends at once the first 200 are told', async () => {
  const steps = Array.from({ length: 400 }, () => ({ ...get, type: 'http.teapot' }))
  expect((await validate({ name: 'x', steps })).errors).toHaveLength(200)
})

test("another project's credentials are not told from those that do not exist", async () => {
  const { token } = await executor.apiKey.createUser({ role: 'owner', projectId: randomUUID() })
  const body = { name: 'x', steps: [{ ...get, credential: 'token' }] }
  const answer = await executor.call('POST', '/api/jobs/validate', body, { authorization: `Bearer ${token}` })
  expect(answer.body.errors).toEqual([
    { path: 'body.steps[0].credential', message: 'is not a credential of this project' },
  ])
})

test('validate and dry-run are no ids of jobs', async () => {
  for (const path of ['/api/jobs/validate', '/api/jobs/dry-run'])
    expect((await executor.call('GET', path)).status).toBe(404)
})
