import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { requestCertificate } from '../../src/certificates/request-certificate.ts'
import { wishDeployments } from '../../src/deployments/wish-deployments.ts'
import { endOperation } from '../../src/operations/end-operation.ts'
import { openOperation } from '../../src/operations/open-operation.ts'
import { postponeOperation } from '../../src/operations/postpone-operation.ts'
import { addCertificate, addLogin, addServer } from '../servers/support.ts'
import { type AgentUnderTest, startAgent } from '../support/agent.ts'

let agent: AgentUnderTest
let serverId: string
let acmeAccountId: string
beforeAll(async () => {
  agent = await startAgent({ isIdle: true })
  addLogin(agent)
  serverId = (await addServer(agent.call)).id
  const account = await agent.deps.prisma.acmeAccount.create({
    data: {
      ...{ projectId: agent.projectId, name: 'ca', directoryUrl: 'https://ca.example.org/dir' },
      ...{ credentialId: randomUUID(), createdBy: 'test', isDefault: true },
    },
  })
  acmeAccountId = account.id
}, 60_000)
afterAll(() => agent?.stop())

/** What each of these writes fails, as where the process dies at it. */
const dyingAt = <Room extends 'audit' | 'deployments'>(
  room: Room,
  does: keyof AgentUnderTest['deps'][Room],
) => ({
  ...agent.deps,
  [room]: { ...agent.deps[room], [does]: () => Promise.reject(new Error('died')) },
})
const wishedOf = (certificateId: string) =>
  agent.deps.prisma.deployment.findFirstOrThrow({ where: { certificateId } })
const operationsOf = (certificateId: string) =>
  agent.deps.prisma.operation.findMany({ where: { certificateId } })
const findCertificate = async (id: string) => {
  const found = await agent.deps.certificates.findById(id)
  if (found === undefined) throw new Error('no certificate')
  return found
}

test('a deployment is never without what it is to deploy, nor without its line in the audit log', async () => {
  const id = await addCertificate(agent, ['a.example.org'], { version: 1 })
  const certificate = await findCertificate(id)
  const by = { actor: 'test', serverIds: [serverId] }
  for (const deps of [dyingAt('deployments', 'wish'), dyingAt('audit', 'record')]) {
    await expect(wishDeployments(deps, certificate, by)).rejects.toThrow('died')
    expect(await operationsOf(id)).toEqual([])
    expect(await agent.deps.prisma.deployment.count({ where: { certificateId: id } })).toBe(0)
  }
  const operation = await wishDeployments(agent.deps, certificate, by)
  expect(await openOperation(agent.deps, operation.id)).toMatchObject({ deployments: [{ attempts: 0 }] })
})

test('whoever asks for a deployment while the next version comes does not bring the old one back', async () => {
  const id = await addCertificate(agent, ['b.example.org'], { version: 1 })
  const old = await findCertificate(id)
  await agent.deps.prisma.certificate.update({ where: { id }, data: { version: 2 } })
  const by = { actor: 'test', serverIds: [serverId] }
  await wishDeployments(agent.deps, await findCertificate(id), by)
  const late = await wishDeployments(agent.deps, old, by)
  expect(await wishedOf(id)).toMatchObject({ desiredVersion: 2, operationId: late.id, state: 'pending' })
})

test('a certificate is asked for with its operation, or not at all', async () => {
  const asked = await agent.call('POST', '/api/certificates', { name: 'whole', names: ['c.example.org'] })
  expect(asked.status).toBe(202)
  const caller = { kind: 'user', userId: randomUUID(), projectId: agent.projectId } as never
  const request = {
    ...{ name: 'half', names: ['d.example.org'], key_type: 'ec-p256' as const, key_made_on: null },
    ...{ profile: null, acme_account_id: acmeAccountId, challenges: [], auto_renew: true, rotate_key: true },
    vhost_ids: [],
  }
  await expect(requestCertificate(dyingAt('audit', 'record'), caller, request)).rejects.toThrow('died')
  expect((await agent.call('GET', '/api/certificates?name=half')).body.items).toEqual([])
})

test('an operation ends with its line in the audit log, however often its end is written', async () => {
  const id = await addCertificate(agent, ['e.example.org'], { version: 1 })
  const { projectId } = agent
  const operation = await agent.deps.operations.insert(
    { projectId, kind: 'deploy', actor: 'test', certificateId: id },
    'running',
  )
  const outcome = { state: 'succeeded', result: {} } as const
  await expect(endOperation(dyingAt('audit', 'record'), operation.id, outcome)).rejects.toThrow('died')
  expect((await agent.deps.operations.findById(operation.id))?.state).toBe('running')
  await endOperation(agent.deps, operation.id, outcome)
  await endOperation(agent.deps, operation.id, outcome)
  const rows = await agent.deps.prisma.auditRow.count({ where: { operationId: operation.id } })
  expect([rows, (await agent.deps.operations.findById(operation.id))?.state]).toEqual([1, 'succeeded'])
})

test('the same request with the same Idempotency-Key is one operation, another one is refused', async () => {
  const id = await addCertificate(agent, ['f.example.org'], { version: 1 })
  await agent.deps.prisma.vhost.create({
    data: { projectId: agent.projectId, serverId, names: ['f.example.org'], certificateId: id },
  })
  const requests: [string, object][] = [
    ['', { name: 'once', names: ['g.example.org'] }],
    ['/batch', { action: 'deploy', certificate_ids: [id] }],
    [`/${id}/deploy`, {}],
  ]
  for (const [path, body] of requests) {
    const headers = { 'idempotency-key': `key${path.length}` }
    const ask = (more: object = {}) =>
      agent.call('POST', `/api/certificates${path}`, { ...body, ...more }, headers)
    const answers = await Promise.all([ask(), ask(), ask()])
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
    expect(new Set(answers.map((one) => one.body.id)).size).toBe(1)
    const other = await agent.call(
      'POST',
      `/api/certificates/${id}/deploy`,
      { server_ids: [serverId] },
      headers,
    )
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_mismatch'])
  }
  const bad = await agent.call('POST', `/api/certificates/${id}/deploy`, {}, { 'idempotency-key': 'ä b' })
  expect([bad.status, bad.body.errors[0].path]).toEqual([400, 'header.Idempotency-Key'])
})

test('a failure is counted on, and an interruption says nothing of the CA', async () => {
  const id = await addCertificate(agent, ['h.example.org'], { version: 1 })
  await agent.deps.certificates.setState(id, { failures: 2 })
  const { projectId } = agent
  const { id: operationId } = await agent.deps.operations.insert(
    { projectId, kind: 'renew', actor: 'schedule', certificateId: id },
    'running',
  )
  const retryAt = new Date().toISOString()
  await postponeOperation(agent.deps, operationId, { attempts: 0, retryAt }, null)
  expect(await findCertificate(id)).toMatchObject({ failures: 2, lastError: null })
  const failure = { code: 'target_failed', message: 'away' }
  await postponeOperation(agent.deps, operationId, { attempts: 1, retryAt }, failure)
  expect(await findCertificate(id)).toMatchObject({ failures: 3, lastError: failure })
})

test('pages have no gap where what was shown leaves the list, and an end that is none is no end', async () => {
  const list = (query: string) => agent.call('GET', `/api/certificates/operations?kind=discover&${query}`)
  const ids: string[] = []
  for (let n = 0; n < 5; n++) {
    const { projectId } = agent
    const one = await agent.deps.operations.insert({ projectId, kind: 'discover', actor: 'test' }, 'running')
    ids.unshift(one.id)
  }
  const first = await list('state=running&limit=2')
  await agent.deps.operations.close(ids[1] as string, { state: 'succeeded', result: {} })
  const second = await list(`state=running&limit=2&cursor=${first.body.next_cursor}`)
  expect(second.body.items.map(({ id }: { id: string }) => id)).toEqual(ids.slice(2, 4))
  const gone = await addCertificate(agent, ['i.example.org'])
  await agent.call('DELETE', `/api/certificates/${gone}`)
  const after = await agent.call('GET', `/api/certificates?cursor=${gone}`)
  expect([after.status, after.body.errors[0].path]).toEqual([400, 'query.cursor'])
})

test('nothing of a project that is deleted stays, but the audit log', async () => {
  const { projectId } = await agent.createProject()
  const { deps } = agent
  const { id: ofProject } = await deps.prisma.server.create({
    data: {
      ...{ projectId, name: 'web', host: 'web.example.org', credentialId: randomUUID() },
      ...{ nginx: {}, createdBy: 'test' },
    },
  })
  const id = await addCertificate({ deps, projectId }, ['j.example.org'], { version: 1 })
  const names = ['j.example.org']
  await deps.prisma.vhost.create({ data: { projectId, serverId: ofProject, names, certificateId: id } })
  await wishDeployments(deps, await findCertificate(id), { actor: 'test', serverIds: [ofProject] })
  await agent.owner.query(
    `INSERT INTO cert_agent.notifications (project_id, key, payload) VALUES ($1, 'k', '{}')`,
    [projectId],
  )
  await agent.owner.query('DELETE FROM api_key.projects WHERE id = $1', [projectId])
  const { rows: tables } = await agent.owner.query<{ table_name: string }>(
    `SELECT table_name FROM information_schema.columns
     WHERE table_schema = 'cert_agent' AND column_name = 'project_id' AND table_name <> 'audit_log'`,
  )
  expect(tables.length).toBeGreaterThan(8)
  for (const { table_name } of tables) {
    const { rows } = await agent.owner.query(
      `SELECT count(*)::int AS count FROM cert_agent.${table_name} WHERE project_id = $1`,
      [projectId],
    )
    expect([table_name, rows[0].count]).toEqual([table_name, 0])
  }
})
