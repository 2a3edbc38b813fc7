import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { consoleKey, executorKey, type RunningBroker, startBroker } from './running-broker.ts'

let broker: RunningBroker
let project: Awaited<ReturnType<RunningBroker['createProject']>>
let id: string
const name = 'billing system'
const password = 'w1nter-Is-c0ming'
let run: string
beforeAll(async () => {
  broker = await startBroker()
  project = await broker.createProject()
  const answer = await broker.api('POST', '/api/credentials', project.asOwner, {
    name,
    type: 'http_basic',
    secret: password,
    extra: { username: 'reader' },
  })
  id = answer.body.id
  run = broker.executor.add({
    project_id: project.projectId,
    steps: Array.from({ length: 20 }, (_, i) => ({
      id: `step-${i}`,
      type: 'http.get',
      credentials: [id],
    })).concat({ id: 'fetch', type: 'http.get', credentials: [name] }),
  }).run_id
})
afterAll(() => broker.stop())
beforeEach(() => broker.owner.query('TRUNCATE secrets.credential_access_log'))

const use = (reference: string, more: object = {}, key: string | null = executorKey) =>
  broker.internal(
    'POST',
    `/internal/secrets/credentials/${encodeURIComponent(reference)}/use`,
    { project_id: project.projectId, run_id: run, step_id: 'fetch', ...more },
    key,
  )
const describe_ = (reference: string, projectId = project.projectId, key: string | null = executorKey) =>
  broker.internal(
    'GET',
    `/internal/secrets/credentials/${encodeURIComponent(reference)}?project_id=${projectId}`,
    undefined,
    key,
  )

test('001.20 a credential is lent by id and by name, with its secret decrypted', async () => {
  for (const reference of [id, name, id.toUpperCase()]) {
    const { status, body } = await use(reference)
    expect([status, body]).toEqual([
      200,
      {
        id,
        name,
        type: 'http_basic',
        secret: { password },
        extra: { username: 'reader' },
        redact: [password],
        http: { headers: { authorization: `Basic ${btoa(`reader:${password}`)}` }, query: {} },
        limits_hosts: null,
        limits_ca_bundles: null,
      },
    ])
  }
})

test('000.46 each use is in the access log with service, project, run, step and address', async () => {
  await use(name)
  expect(await broker.accessLog()).toEqual([
    expect.objectContaining({
      host: name,
      purpose: 'credential',
      accessed_by: 'executor',
      access_type: 'read',
      success: true,
      error_message: null,
      ip_address: '127.0.0.1',
      credential_uuid: id,
      project_id: project.projectId,
      run_id: run,
      step_id: 'fetch',
    }),
  ])
})

test('the log row is durable before the answer: what another connection sees when the answer arrives', async () => {
  for (let i = 0; i < 20; i++) {
    await use(id, { step_id: `step-${i}` })
    expect((await broker.accessLog()).at(-1)?.step_id).toBe(`step-${i}`)
  }
})

test('no secret without a row: where the access log cannot be written a use answers 503', async () => {
  await broker.owner.query('REVOKE INSERT ON secrets.credential_access_log FROM svc_secrets_broker')
  try {
    const { status, text } = await use(id)
    expect(status).toBe(503)
    expect(text).not.toContain(password)
  } finally {
    await broker.owner.query('GRANT INSERT ON secrets.credential_access_log TO svc_secrets_broker')
  }
  expect((await use(id)).status).toBe(200)
})

test('another project’s credential is 404 by id and by name, for use and for description, and the try is logged', async () => {
  const { projectId } = await broker.createProject()
  for (const reference of [id, name]) {
    const { status, body } = await use(reference, { project_id: projectId })
    expect([status, body.code]).toEqual([404, 'not_found'])
    expect((await describe_(reference, projectId)).status).toBe(404)
  }
  expect((await broker.accessLog()).map((row) => [row.host, row.success, row.project_id])).toEqual([
    [id, false, projectId],
    [name, false, projectId],
  ])
})

test.each(['nothing', 'Billing system', 'billing%', 'billing_system', '%00', 'a\0b', '..', 'x'.repeat(256)])(
  'the reference %j is of no credential: 404',
  async (reference) => {
    expect((await use(reference)).status).toBe(404)
    expect((await describe_(reference)).status).toBe(404)
  },
)

test('an inactive credential is not lent', async () => {
  await broker.owner.query('UPDATE secrets.credentials SET is_active = false WHERE id = $1', [id])
  expect((await use(id)).status).toBe(404)
  await broker.owner.query('UPDATE secrets.credentials SET is_active = true WHERE id = $1', [id])
  expect((await use(id)).status).toBe(200)
})

test('a description holds the metadata and no secret', async () => {
  for (const reference of [id, name]) {
    const { status, body, text } = await describe_(reference)
    expect([status, body.id, body.extra]).toEqual([200, id, { username: 'reader' }])
    expect(text).not.toContain(password)
    expect(Object.keys(body)).not.toContain('secret')
  }
})

test('only services of the access table are served, and a refused try is logged', async () => {
  for (const key of [null, 'wrong-0123456789012345', consoleKey]) {
    expect((await use(id, {}, key)).status).toBe(403)
    expect((await describe_(id, project.projectId, key)).status).toBe(403)
  }
  expect((await broker.accessLog()).map((row) => [row.access_type, row.success, row.accessed_by])).toEqual(
    [null, null, null, null, 'console', 'console'].map((by) => ['read', false, by]),
  )
})

test('a body that misses the run, the step or the project is refused naming the field', async () => {
  for (const field of ['project_id', 'run_id', 'step_id']) {
    const { status, body } = await use(id, { [field]: undefined })
    expect([status, body.errors[0]?.path]).toEqual([422, `body.${field}`])
  }
})
