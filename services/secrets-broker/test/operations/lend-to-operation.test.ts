import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { certificatesToPem, keyToPem } from '@opsconductor/x509'
import { makeCertificate } from '../../../../packages/x509/test/make-certificate.ts'
import { certAgentKey, executorKey, type RunningBroker, startBroker } from '../running-broker.ts'

let broker: RunningBroker
let project: Awaited<ReturnType<RunningBroker['createProject']>>
let id: string
const secret = 'w1nter-Is-c0ming'
beforeAll(async () => {
  broker = await startBroker()
  project = await broker.createProject()
  id = await createCredential('dns token')
})
afterAll(() => broker?.stop())
beforeEach(() => broker.owner.query('TRUNCATE secrets.credential_access_log'))

async function createCredential(name: string, limits: object = {}): Promise<string> {
  const body = { name, type: 'bearer_token', secret, limits }
  return (await broker.api('POST', '/api/credentials', project.asOwner, body)).body.id
}
const use = (reference: string, body: object, key = certAgentKey) =>
  broker.internal(
    'POST',
    `/internal/secrets/credentials/${encodeURIComponent(reference)}/use`,
    { project_id: project.projectId, ...body },
    key,
  )
const operationOf = (credentials: string[], more: { project_id?: string; running?: boolean } = {}) =>
  broker.certAgent.add({ project_id: project.projectId, credentials, ...more })

test('004.SEC-2 an operation under way borrows the credential that it names, by id or by name, and the access log names both', async () => {
  const operation = operationOf([randomUUID(), id.toUpperCase()])
  for (const reference of [id, 'dns token']) {
    const { status, body } = await use(reference, { operation_id: operation.id })
    expect([status, body.secret]).toEqual([200, { token: secret }])
  }
  const row = expect.objectContaining({
    success: true,
    accessed_by: 'cert-agent',
    reason: `operation ${operation.id}`,
    credential_uuid: id,
    run_id: null,
  })
  expect(await broker.accessLog()).toEqual([row, row])
})

test.each<[string, () => string, string]>([
  ['the operation is not known', () => randomUUID(), 'There is no such operation.'],
  [
    'it is of another project',
    () => operationOf([id], { project_id: randomUUID() }).id,
    'The operation is of another project.',
  ],
  ['it has ended', () => operationOf([id], { running: false }).id, 'The operation is not under way.'],
  [
    'it names another credential',
    () => operationOf([randomUUID()]).id,
    'The operation does not name this credential.',
  ],
])('where %s nothing is lent, and the access log says why', async (_, given, reason) => {
  const operation_id = given()
  const { status, body, text } = await use(id, { operation_id })
  expect([status, body.code]).toEqual([403, 'forbidden'])
  expect(text).not.toContain(secret)
  expect(await broker.accessLog()).toEqual([
    expect.objectContaining({ success: false, error_message: reason, reason: `operation ${operation_id}` }),
  ])
})

test('once an operation has ended it borrows nothing more, not even within the same second', async () => {
  const operation = operationOf([id])
  expect((await use(id, { operation_id: operation.id })).status).toBe(200)
  operation.running = false
  expect((await use(id, { operation_id: operation.id })).status).toBe(403)
})

test('a credential limited to jobs or step types is not lent to operations, and a limit of hosts is handed on', async () => {
  const job = await createCredential('of a job', { jobs: [randomUUID()] })
  const type = await createCredential('of a step type', { step_types: ['http.get'] })
  const hosts = await createCredential('of a host', { hosts: ['api.example.com'] })
  const operation_id = operationOf([job, type, hosts]).id
  for (const limited of [job, type]) expect((await use(limited, { operation_id })).status).toBe(403)
  expect((await use(hosts, { operation_id })).body.limits_hosts).toEqual(['api.example.com'])
})

test('the key of a certificate that has ended is lent to operations, which renew and revoke with it, and nothing else is', async () => {
  const clock = { now: new Date() }
  const later = await startBroker({}, { now: () => clock.now })
  try {
    const { projectId: project_id, asOwner } = await later.createProject()
    const { key, certificate } = makeCertificate('www', { dns: ['www.example'] })
    const kept = {
      ...{ project_id, operation_id: randomUUID(), credential_id: randomUUID(), name: 'www', type: 'x509' },
      ...{ secret: { private_key: keyToPem(key) }, extra: { certificate: certificatesToPem([certificate]) } },
    }
    await later.internal('POST', '/internal/secrets/kept-credentials', kept, certAgentKey)
    const token = await later.api('POST', '/api/credentials', asOwner, {
      ...{ name: 'token', type: 'bearer_token', secret },
      expires_at: new Date(Date.now() + 86_400_000).toISOString(),
    })
    clock.now = new Date(certificate.x509.validToDate.getTime() + 1_000)
    const ids = [kept.credential_id, token.body.id]
    const operation_id = later.certAgent.add({ project_id, credentials: ids }).id
    const lent = (id: string, body: object, by: string) =>
      later.internal('POST', `/internal/secrets/credentials/${id}/use`, { project_id, ...body }, by)
    const [key_, token_] = await Promise.all(ids.map((id) => lent(id, { operation_id }, certAgentKey)))
    expect([key_?.status, key_?.body.secret]).toEqual([200, kept.secret])
    expect(token_?.body.code).toBe('credential_expired')
    const step = later.executor.useOf(project_id, kept.credential_id)
    expect((await lent(kept.credential_id, step, executorKey)).body.code).toBe('credential_expired')
  } finally {
    await later.stop()
  }
})

test('another project’s credential is 404, although the operation names it', async () => {
  const { projectId } = await broker.createProject()
  const operation_id = broker.certAgent.add({ project_id: projectId, credentials: [id] }).id
  expect((await use(id, { project_id: projectId, operation_id })).status).toBe(404)
})

test('cert-agent borrows for operations alone, and the executor never for one', async () => {
  const operation_id = operationOf([id]).id
  expect((await use(id, { operation_id }, executorKey)).status).toBe(403)
  const step = broker.executor.useOf(project.projectId, id)
  expect((await use(id, step)).status).toBe(403)
  expect((await use(id, step, executorKey)).status).toBe(200)
  expect((await use(id, { ...step, operation_id })).status).toBe(422)
})

test('a connector is not lent to an operation', async () => {
  const path = `/internal/secrets/connectors/${randomUUID()}/use`
  const body = { project_id: project.projectId, operation_id: operationOf([id]).id }
  const answer = await broker.internal('POST', path, body, executorKey)
  expect([answer.status, answer.body.errors[0]?.path]).toEqual([422, 'body.operation_id'])
})

test('without cert-agent nothing is lent: 503, to be tried again, and the try is logged', async () => {
  const down = await startBroker({ CERT_AGENT_URL: 'http://127.0.0.1:1' })
  try {
    const { projectId, asOwner } = await down.createProject()
    const created = await down.api('POST', '/api/credentials', asOwner, {
      name: 'n',
      type: 'bearer_token',
      secret,
    })
    const answer = await down.internal(
      'POST',
      `/internal/secrets/credentials/${created.body.id}/use`,
      { project_id: projectId, operation_id: randomUUID() },
      certAgentKey,
    )
    expect([answer.status, answer.headers['retry-after'] !== undefined]).toEqual([503, true])
    expect(answer.text).not.toContain(secret)
    expect((await down.accessLog()).at(-1)).toMatchObject({ access_type: 'read', success: false })
  } finally {
    await down.stop()
  }
})
