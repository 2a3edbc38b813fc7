import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { consoleKey, type RunningBroker, startBroker } from '../running-broker.ts'
import { canary, connectorCalls } from './connector-calls.ts'

let broker: RunningBroker
let calls: ReturnType<typeof connectorCalls>
let owner: Awaited<ReturnType<RunningBroker['createProject']>>
let other: Awaited<ReturnType<RunningBroker['createProject']>>
beforeAll(async () => {
  broker = await startBroker()
  calls = connectorCalls(broker)
  owner = await broker.createProject()
  other = await broker.createProject()
})
afterAll(() => broker.stop())
beforeEach(() => broker.owner.query('TRUNCATE secrets.credential_access_log'))

async function credential(more: object = {}): Promise<string> {
  const body = { name: `shop ${randomUUID()}`, type: 'bearer_token', secret: canary, ...more }
  return (await broker.api('POST', '/api/credentials', owner.asOwner, body)).body.id
}
const useIn = (projectId: string, id: string, named: string | undefined, more: object = {}) =>
  calls.use(id, {
    project_id: projectId,
    run_id: calls.runOf(projectId, named),
    step_id: 's',
    ...more,
  })
const lastReason = async () => (await broker.accessLog()).at(-1)?.error_message

test('002.12 a step borrows what opens the connector that it names, by name or id: a referenced credential or its own', async () => {
  const credentialId = await credential()
  const referring = calls.connect(owner.projectId, { credential_id: credentialId })
  const own = await calls.connectOwn(owner.projectId)
  for (const [id, lentId] of [
    [referring, credentialId],
    [own, own],
  ] as const)
    for (const named of ['shop', id, id.toUpperCase()]) {
      const { status, body } = await useIn(owner.projectId, id, named)
      expect([status, body.id, body.secret]).toEqual([200, lentId, { token: canary }])
      expect(body.connector_version).toBe('v1')
      expect(body.http).toEqual({ headers: { authorization: `Bearer ${canary}` }, query: {} })
      expect(body.redact).toEqual([canary])
    }
})

test('002.16 each use is in the access log before it is answered: the connector, its project, and the project that used it', async () => {
  const credentialId = await credential()
  const id = calls.connect(owner.projectId, { credential_id: credentialId })
  await useIn(other.projectId, id, id)
  expect((await broker.accessLog()).slice(1)).toEqual([
    expect.objectContaining({
      host: 'shop',
      purpose: 'connector',
      accessed_by: 'executor',
      success: true,
      credential_uuid: credentialId,
      project_id: other.projectId,
      step_id: 's',
      reason: `connector ${id} of project ${owner.projectId}`,
    }),
  ])
  expect(broker.logged()).not.toContain(canary)
})

test('no secret without a row: where the access log cannot be written a use answers 503', async () => {
  const id = await calls.connectOwn(owner.projectId)
  await broker.owner.query('REVOKE INSERT ON secrets.credential_access_log FROM svc_secrets_broker')
  try {
    const { status, text } = await useIn(owner.projectId, id, id)
    expect(status).toBe(503)
    expect(text).not.toContain(canary)
  } finally {
    await broker.owner.query('GRANT INSERT ON secrets.credential_access_log TO svc_secrets_broker')
  }
})

test.each<[string, (id: string) => object, string]>([
  ['the run is not known', () => ({ run_id: randomUUID() }), 'There is no such run.'],
  [
    'the run is of another project',
    (id) => ({ run_id: calls.runOf(other.projectId, id) }),
    'The run is of another project.',
  ],
  [
    'the run has ended',
    (id) => ({ run_id: calls.runOf(owner.projectId, id, { status: 'failed' }) }),
    'The run has ended.',
  ],
  ['there is no such step', () => ({ step_id: 'x' }), "The run's job version has no such step."],
  [
    'the step names no connector',
    () => ({ run_id: calls.runOf(owner.projectId, undefined) }),
    'The step does not name this connector.',
  ],
  [
    'the step names another connector',
    () => ({ run_id: calls.runOf(owner.projectId, randomUUID()) }),
    'The step does not name this connector.',
  ],
])(
  'where %s nothing is lent, the registry is not asked, and the access log says why',
  async (_, more, reason) => {
    const id = await calls.connectOwn(owner.projectId)
    const before = broker.registry.asked.length
    const { status, text } = await useIn(owner.projectId, id, id, more(id))
    expect([status, await lastReason()]).toEqual([403, reason])
    expect(text).not.toContain(canary)
    expect(broker.registry.asked.length).toBe(before)
  },
)

test('a name stands for a connector of the run’s own project: not for another one, nor for another project’s of that name', async () => {
  const theirs = await calls.connectOwn(owner.projectId)
  expect((await useIn(other.projectId, theirs, 'shop')).status).toBe(403)
  expect(await lastReason()).toBe('The step does not name this connector.')
  const { status, text } = await useIn(owner.projectId, theirs, 'warehouse')
  expect(status).toBe(403)
  expect(text).not.toContain(canary)
})

test('what the registry does not allow is not lent, and its reason is in the access log alone', async () => {
  const id = randomUUID()
  broker.registry.onBind(id, () => ({
    allowed: false,
    reason: 'The connector is not shared with the project.',
  }))
  const { status, body } = await useIn(other.projectId, id, id)
  expect([status, body.code]).toEqual([403, 'forbidden'])
  expect(await lastReason()).toBe('The connector is not shared with the project.')
  expect((await useIn(owner.projectId, randomUUID(), undefined)).status).toBe(403)
})

test('a connector that is gone meanwhile lends nothing', async () => {
  const id = randomUUID()
  expect((await useIn(owner.projectId, id, id)).status).toBe(403)
  expect(await lastReason()).toBe('There is no such connector (any more).')
})

test('without the registry nothing is lent: 503, to be tried again', async () => {
  const down = await startBroker({ INTERFACE_REGISTRY_URL: 'http://127.0.0.1:1' })
  try {
    const { projectId } = await down.createProject()
    const id = randomUUID()
    const { runOf, use } = connectorCalls(down)
    const answer = await use(id, { project_id: projectId, run_id: runOf(projectId, id), step_id: 's' })
    expect([answer.status, answer.body.code]).toEqual([503, 'service_unavailable'])
    expect((await down.accessLog()).at(-1)).toMatchObject({ host: id, success: false })
  } finally {
    await down.stop()
  }
})

test('a referenced credential keeps its own limits: jobs, step types, hosts; inactive, expired and deleted it is not lent', async () => {
  const limited = async (limits: object) => {
    const credentialId = await credential()
    await broker.owner.query('UPDATE secrets.credentials SET limits = $2 WHERE id = $1', [
      credentialId,
      JSON.stringify(limits),
    ])
    const id = calls.connect(owner.projectId, { credential_id: credentialId })
    return { credentialId, answer: await useIn(other.projectId, id, id), id }
  }
  expect((await limited({ jobs: [randomUUID()] })).answer.status).toBe(403)
  expect((await limited({ step_types: ['sql.query'] })).answer.status).toBe(403)
  const { answer, credentialId, id } = await limited({ hosts: ['API.example.com'], ca_bundles: ['ours'] })
  expect([answer.body.limits_hosts, answer.body.limits_ca_bundles]).toEqual([['api.example.com'], ['ours']])
  await broker.owner.query("UPDATE secrets.credentials SET expires_at = '2020-01-01' WHERE id = $1", [
    credentialId,
  ])
  expect((await useIn(owner.projectId, id, id)).body.code).toBe('credential_expired')
  await broker.owner.query(
    'UPDATE secrets.credentials SET is_active = false, expires_at = NULL WHERE id = $1',
    [credentialId],
  )
  const { status, text } = await useIn(owner.projectId, id, id)
  expect(status).toBe(404)
  expect(text).not.toContain(canary)
})

test('a credential that is not of the connector’s project is not lent, whatever the registry says', async () => {
  const credentialId = await credential()
  const id = calls.connect(other.projectId, { credential_id: credentialId })
  expect((await useIn(other.projectId, id, id)).status).toBe(404)
})

test('for a check the registry’s answer decides', async () => {
  const id = await calls.connectOwn(owner.projectId)
  const checkId = randomUUID()
  const check = { project_id: owner.projectId, check_id: checkId }
  expect((await calls.use(id, check)).body.secret).toEqual({ token: canary })
  expect(broker.registry.asked.at(-1)).toEqual({ id, ...check })
  expect((await broker.accessLog()).at(-1)).toMatchObject({
    run_id: null,
    reason: `check of connector ${id}`,
  })
  broker.registry.onBind(id, () => ({ allowed: false, reason: 'No such check is under way.' }))
  expect((await calls.use(id, check)).status).toBe(403)
})

test('only the executor borrows, and only the registry seals', async () => {
  const id = await calls.connectOwn(owner.projectId)
  const asked = { project_id: owner.projectId, run_id: calls.runOf(owner.projectId, id), step_id: 's' }
  expect((await calls.use(id, asked, consoleKey)).status).toBe(403)
  const { status } = await calls.seal(
    id,
    owner.projectId,
    { type: 'bearer_token', secret: canary },
    consoleKey,
  )
  expect(status).toBe(403)
})

test.each(['x', '..%2f', '%00', randomUUID().slice(1)])('the connector %j is none: 404', async (id) => {
  const { status } = await calls.use(id, { project_id: owner.projectId, check_id: randomUUID() })
  expect(status).toBe(404)
})
