import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { addLogin, addServer } from '../servers/support.ts'
import { type AgentUnderTest, type Call, startAgent } from '../support/agent.ts'

let agent: AgentUnderTest
let mine: string
let theirs: string
let acmeAccountId: string
/** An API key that may manage `mine` only. */
let call: Call
beforeAll(async () => {
  agent = await startAgent({ isIdle: true })
  addLogin(agent)
  mine = (await addServer(agent.call)).id
  theirs = (await addServer(agent.call)).id
  const key = agent.apiKey.createKey({
    ...{ projectId: agent.projectId, scopes: ['manage:servers', 'manage:certificates'] },
  })
  await agent.call('PUT', `/api/servers/limits/${agent.apiKey.keyIdOf(key)}`, { server_ids: [mine] })
  call = (method, path, body) => agent.call(method, path, body, { 'x-api-key': key })
  const account = await agent.deps.prisma.acmeAccount.create({
    data: {
      ...{ projectId: agent.projectId, name: 'ca', directoryUrl: 'https://ca.example.org/dir' },
      ...{ credentialId: randomUUID(), createdBy: 'test' },
    },
  })
  acmeAccountId = account.id
}, 60_000)
afterAll(() => agent?.stop())

let made = 0
/** A certificate that is served on the servers. */
async function addServed(servers: string[], fields: { challenges?: object[]; keyMadeOn?: string } = {}) {
  const name = `c${++made}.example.org`
  const { projectId, deps } = agent
  const { id } = await deps.prisma.certificate.create({
    data: {
      ...{ projectId, name: name.replaceAll('.', '-'), names: [name], source: 'acme', acmeAccountId },
      ...{ keyType: 'ec-p256', version: 1, state: 'valid', createdBy: 'test', ...fields },
    },
  })
  for (const serverId of servers) {
    await deps.prisma.vhost.create({ data: { projectId, serverId, names: [name], certificateId: id } })
    await deps.prisma.deployment.create({
      data: { projectId, certificateId: id, serverId, desiredVersion: 1, liveVersion: 1 },
    })
  }
  return id
}
const operations = () => agent.deps.prisma.operation.count()

test("004.SEC-3 what is on others' servers too is neither changed, forgotten nor renewed by a limited key", async () => {
  const shared = await addServed([mine, theirs])
  const before = await operations()
  for (const [method, path, body] of [
    ['PUT', '', { auto_renew: false }],
    ['DELETE', ''],
    ['POST', '/renew', {}],
    ['POST', '/revoke', {}],
    ['POST', '/deploy', {}],
  ] as const) {
    const { status } = await call(method, `/api/certificates/${shared}${path}`, body)
    expect([method, path, status]).toEqual([method, path, 404])
  }
  const renewal = { action: 'renew', certificate_ids: [shared] }
  const batch = await call('POST', '/api/certificates/batch', renewal)
  const some = await call('POST', '/api/certificates/batch', { ...renewal, server_ids: [mine] })
  expect([some.status, some.body.errors[0].path]).toEqual([422, 'body.server_ids'])
  expect([batch.status, await operations()]).toEqual([404, before])
})

test("004.SEC-3 no work of a limited key has to do with others' servers by the way the certificate is issued", async () => {
  const challenge = { type: 'http-01', server_id: theirs, webroot: '/srv/www' }
  const before = await operations()
  for (const id of [
    await addServed([mine], { challenges: [challenge] }),
    await addServed([mine], { keyMadeOn: theirs }),
  ]) {
    const statuses = [
      await call('POST', `/api/certificates/${id}/renew`, {}),
      await call('POST', '/api/certificates/batch', { action: 'renew', certificate_ids: [id] }),
      await call('PUT', `/api/certificates/${id}`, { profile: 'shortlived' }),
    ].map(({ status }) => status)
    expect(statuses).toEqual([404, 404, 404])
  }
  expect(await operations()).toBe(before)
})

test("004.SEC-3 an operation on others' servers is not cancelled by a limited key that sees its certificate", async () => {
  const shared = await addServed([mine, theirs])
  const { body: operation } = await agent.call('POST', `/api/certificates/${shared}/deploy`, {
    server_ids: [theirs],
  })
  const path = `/api/certificates/operations/${operation.id}`
  expect((await call('GET', path)).status).toBe(200)
  expect((await call('POST', `${path}/cancel`)).status).toBe(404)
  expect((await agent.call('GET', path)).body.state).toBe('queued')
  const { body: own } = await call('POST', `/api/certificates/${shared}/deploy`, { server_ids: [mine] })
  expect((await call('POST', `/api/certificates/operations/${own.id}/cancel`)).status).toBe(202)
})

test("004.SEC-3 the list does not tell what is on others' servers", async () => {
  const shared = await addServed([mine, theirs])
  const ids = async (ask: Call, serverId: string) =>
    (await ask('GET', `/api/certificates?server_id=${serverId}`)).body.items.map(
      ({ id }: { id: string }) => id,
    )
  expect(await ids(call, mine)).toContain(shared)
  expect(await ids(call, theirs)).toEqual([])
  expect(await ids(agent.call, theirs)).toContain(shared)
})

test('004.SEC-3 a batch of a limited key names none that it does not see, and the refusal is in the audit log', async () => {
  const foreign = await addServed([theirs])
  const own = await addServed([mine])
  const ask = (ids: string[]) =>
    call('POST', '/api/certificates/batch', { action: 'deploy', certificate_ids: ids })
  expect((await ask([own, foreign])).status).toBe(404)
  const row = await agent.deps.prisma.auditRow.findFirst({ orderBy: { id: 'desc' } })
  expect(row).toMatchObject({
    action: 'client.limit',
    outcome: 'refused',
    detail: { certificate_id: foreign },
  })
  expect((await ask([own])).status).toBe(202)
})

test('what is done by a request is not called cancelled while it goes on', async () => {
  const { projectId } = agent
  const { id } = await agent.deps.operations.insert({ projectId, kind: 'import', actor: 'test' }, 'running')
  expect((await agent.call('POST', `/api/certificates/operations/${id}/cancel`)).status).toBe(409)
})
