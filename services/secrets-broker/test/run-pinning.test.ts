import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { PinnedRun } from '@opsconductor/contracts'
import { executorKey, type RunningBroker, startBroker } from './running-broker.ts'

let broker: RunningBroker
let project: Awaited<ReturnType<RunningBroker['createProject']>>
let id: string
const name = 'billing system'
const secret = 'w1nter-Is-c0ming'
beforeAll(async () => {
  broker = await startBroker()
  project = await broker.createProject()
  id = await createCredential(name)
})
afterAll(() => broker.stop())
beforeEach(() => broker.owner.query('TRUNCATE secrets.credential_access_log'))

async function createCredential(named: string): Promise<string> {
  const body = { name: named, type: 'bearer_token', secret }
  return (await broker.api('POST', '/api/credentials', project.asOwner, body)).body.id
}
const limit = (credential: string, limits: unknown) =>
  broker.owner.query('UPDATE secrets.credentials SET limits = $2 WHERE id = $1', [
    credential,
    JSON.stringify(limits),
  ])
const use = (reference: string, run: { run_id: string }, stepId = 'fetch') =>
  broker.internal(
    'POST',
    `/internal/secrets/credentials/${encodeURIComponent(reference)}/use`,
    { project_id: project.projectId, run_id: run.run_id, step_id: stepId },
    executorKey,
  )
const runOf = (credential: string | null, more: Partial<PinnedRun> = {}) =>
  broker.executor.add({
    project_id: project.projectId,
    steps: [
      { id: 'first', type: 'sql.query', credentials: [] },
      { id: 'fetch', type: 'http.get', credentials: credential === null ? [] : [credential, 'another'] },
    ],
    ...more,
  })

test('001.20 a step borrows the credential that its job version names, by id or by name, however it is written', async () => {
  for (const named of [id, name, id.toUpperCase()])
    for (const reference of [id, name]) {
      const { status, body } = await use(reference, runOf(named))
      expect([status, body.secret, body.limits_hosts]).toEqual([200, { token: secret }, null])
    }
  expect((await use(name, { run_id: runOf(name).run_id.toUpperCase() })).status).toBe(200)
})

test.each<[string, () => [reference: string, run: { run_id: string }, stepId?: string], string]>([
  ['the run is not known', () => [id, { run_id: randomUUID() }], 'There is no such run.'],
  [
    'the run is of another project',
    () => [id, runOf(id, { project_id: randomUUID() })],
    'The run is of another project.',
  ],
  ['the run has succeeded', () => [id, runOf(id, { status: 'succeeded' })], 'The run has ended.'],
  ['the run was cancelled', () => [id, runOf(id, { status: 'cancelled' })], 'The run has ended.'],
  [
    'the job version has no such step',
    () => [id, runOf(id), 'other'],
    "The run's job version has no such step.",
  ],
  ['the step names no credential', () => [id, runOf(id), 'first'], 'The step does not name this credential.'],
  [
    'the step names another credential',
    () => [id, runOf('another')],
    'The step does not name this credential.',
  ],
])('where %s nothing is lent, and the access log says why', async (_, given, reason) => {
  const [reference, run, stepId] = given()
  const { status, body, text } = await use(reference, run, stepId)
  expect([status, body.code]).toEqual([403, 'forbidden'])
  expect(text).not.toContain(secret)
  expect(await broker.accessLog()).toEqual([
    expect.objectContaining({
      success: false,
      error_message: reason,
      credential_uuid: id,
      run_id: run.run_id,
      step_id: stepId ?? 'fetch',
      accessed_by: 'executor',
    }),
  ])
})

test('a credential limited to jobs and step types is lent to those alone', async () => {
  const limited = await createCredential('limited')
  const run = runOf('limited')
  await limit(limited, { jobs: [run.job_id.toUpperCase()], step_types: ['http.get'] })
  expect((await use('limited', run)).status).toBe(200)
  expect((await use('limited', runOf('limited'))).body.detail).toBe(
    "The credential's limits do not name this job.",
  )
  await limit(limited, { step_types: ['sql.query'] })
  expect((await use('limited', run)).body.detail).toBe("The credential's limits do not name this step type.")
})

test('a limit of hosts is handed to the borrower, in lower case', async () => {
  const limited = await createCredential('hosts')
  await limit(limited, { hosts: ['API.example.com', '10.0.0.1'] })
  expect((await use('hosts', runOf('hosts'))).body.limits_hosts).toEqual(['api.example.com', '10.0.0.1'])
})

test('limits that cannot be read lend nothing', async () => {
  const broken = await createCredential('broken limits')
  for (const limits of [[], { jobs: 'all' }, { jobs: [] }, { host: ['x'] }, 7]) {
    await limit(broken, limits)
    const { status, text } = await use('broken limits', runOf('broken limits'))
    expect(status).toBe(500)
    expect(text).not.toContain(secret)
  }
})

test('the executor is asked once for all steps of a run', async () => {
  const run = runOf(id)
  const before = broker.executor.asked.length
  await Promise.all(Array.from({ length: 8 }, () => use(id, run)))
  await use(name, run)
  expect(broker.executor.asked.slice(before)).toEqual([run.run_id])
})

test('without the executor nothing is lent: 503, to be tried again, and the try is logged', async () => {
  const down = await startBroker({ EXECUTOR_URL: 'http://127.0.0.1:1' })
  try {
    const { projectId, asOwner } = await down.createProject()
    await down.api('POST', '/api/credentials', asOwner, { name, type: 'bearer_token', secret })
    const answer = await down.internal(
      'POST',
      `/internal/secrets/credentials/${encodeURIComponent(name)}/use`,
      {
        project_id: projectId,
        run_id: randomUUID(),
        step_id: 's',
      },
    )
    expect([answer.status, answer.body.code]).toEqual([503, 'service_unavailable'])
    expect(answer.headers['retry-after']).toBeDefined()
    expect(answer.text).not.toContain(secret)
    expect((await down.accessLog()).at(-1)).toMatchObject({ access_type: 'read', success: false })
  } finally {
    await down.stop()
  }
})
