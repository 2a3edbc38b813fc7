import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type AgentUnderTest, type Call, callerAt, startAgent } from '../support/agent.ts'
import { addCertificate, addLogin, addServer, faultsOf } from './support.ts'

let agent: AgentUnderTest
let mine: string
let theirs: string
beforeAll(async () => {
  agent = await startAgent()
  addLogin(agent)
  mine = (await addServer(agent.call)).id
  theirs = (await addServer(agent.call)).id
})
afterAll(() => agent?.stop())

/** An API key of the project, and how it calls. */
function createKey(scopes = ['manage:servers', 'manage:certificates']) {
  const key = agent.apiKey.createKey({ projectId: agent.projectId, scopes })
  const call: Call = (method, path, body) => agent.call(method, path, body, { 'x-api-key': key })
  return { id: agent.apiKey.keyIdOf(key), call }
}
async function createLimitedKey(serverIds: string[] = [mine], scopes?: string[]) {
  const key = createKey(scopes)
  const put = await agent.call('PUT', `/api/servers/limits/${key.id}`, { server_ids: serverIds })
  expect([put.status, put.body.server_ids?.toSorted()]).toEqual([200, serverIds.toSorted()])
  return key
}
const idsOf = ({ body }: { body: { items: { id: string }[] } }) => body.items.map(({ id }) => id).sort()

test('004.SEC-3 a key without a limit manages every server, and one with a limit sees its own alone', async () => {
  const free = createKey()
  expect((await agent.call('GET', `/api/servers/limits/${free.id}`)).body).toEqual({ server_ids: null })
  expect(idsOf(await free.call('GET', '/api/servers'))).toEqual([mine, theirs].sort())
  const { call } = await createLimitedKey()
  expect(idsOf(await call('GET', '/api/servers'))).toEqual([mine])
  expect((await call('GET', `/api/servers/${mine}`)).status).toBe(200)
  expect(idsOf(await (await createLimitedKey([])).call('GET', '/api/servers'))).toEqual([])
})

test("004.SEC-3 another client's server is 404 on every route that names it, and nothing is done to it", async () => {
  const { call } = await createLimitedKey()
  const { body: vhost } = await agent.call('POST', `/api/servers/${theirs}/vhosts`, {
    names: ['t.example.com'],
  })
  const before = (await agent.call('GET', `/api/servers/${theirs}`)).body
  for (const [method, path, body] of [
    ['GET', ''],
    ['PUT', '', { keep_versions: 9 }],
    ['DELETE', '?force=true'],
    ['POST', '/check', {}],
    ['POST', '/discover', {}],
    ['GET', '/vhosts'],
    ['POST', '/vhosts', { names: ['u.example.com'] }],
    ['GET', `/vhosts/${vhost.id}`],
    ['PUT', `/vhosts/${vhost.id}`, { probe_port: 8443 }],
    ['DELETE', `/vhosts/${vhost.id}`],
  ] as const) {
    const { status, body: problem } = await call(method, `/api/servers/${theirs}${path}`, body)
    expect([method, path, status, problem.detail]).toEqual([method, path, 404, 'There is no such server.'])
  }
  expect((await agent.call('GET', `/api/servers/${theirs}`)).body).toEqual(before)
  expect(idsOf(await agent.call('GET', `/api/servers/${theirs}/vhosts`))).toEqual([vhost.id])
})

test('004.SEC-3 what was refused is in the audit log', async () => {
  const { id, call } = await createLimitedKey()
  await call('GET', `/api/servers/${theirs}`)
  const [row] = await agent.deps.prisma.auditRow.findMany({ where: { actor: `api_key:${id}` } })
  expect(row).toMatchObject({
    ...{ action: 'client.limit', outcome: 'refused', projectId: agent.projectId },
    detail: { server_id: theirs },
  })
})

test('004.SEC-3 a limited key gets to no other host by registering it, or by saying where its server is', async () => {
  const { call } = await createLimitedKey()
  const created = await call('POST', '/api/servers', {
    name: 'own',
    host: 'web.example.com',
    credential: 'login',
  })
  expect([created.status, created.body.code]).toEqual([403, 'forbidden'])
  for (const fields of [{ host: 'other.example.com' }, { port: 2200 }, { credential: 'login' }, { via: [] }])
    expect((await call('PUT', `/api/servers/${mine}`, fields)).status).toBe(403)
  expect((await call('PUT', `/api/servers/${mine}`, { keep_versions: 4 })).status).toBe(200)
})

test('004.SEC-3 a limited key maps the certificates that it made, or that its servers have, and no others', async () => {
  const { id, call } = await createLimitedKey()
  const certificates = {
    own: await addCertificate(agent, ['*.example.com'], { createdBy: `api_key:${id}` }),
    deployed: await addCertificate(agent, ['*.example.com']),
    mapped: await addCertificate(agent, ['*.example.com']),
    foreign: await addCertificate(agent, ['*.example.com']),
  }
  const { deps, projectId } = agent
  const at = { projectId, desiredVersion: 1 }
  await deps.prisma.deployment.createMany({
    data: [
      { ...at, certificateId: certificates.deployed, serverId: mine },
      { ...at, certificateId: certificates.foreign, serverId: theirs },
    ],
  })
  await deps.prisma.vhost.create({
    data: { projectId, serverId: mine, names: ['m.example.com'], certificateId: certificates.mapped },
  })
  for (const [name, certificate_id] of Object.entries(certificates)) {
    const { status, ...answer } = await call('POST', `/api/servers/${mine}/vhosts`, {
      ...{ names: [`${name}.example.com`], certificate_id },
    })
    expect([name, status, faultsOf(answer)]).toEqual(
      name === 'foreign'
        ? [name, 422, ['body.certificate_id: is not a certificate of this project']]
        : [name, 201, []],
    )
  }
})

test('004.SEC-3 a limit names servers of the project only, forgets deleted ones, and is lifted by null', async () => {
  const { id, call } = createKey()
  const path = `/api/servers/limits/${id}`
  const wrong = await agent.call('PUT', path, { server_ids: [mine, randomUUID()] })
  expect([wrong.status, faultsOf(wrong)]).toEqual([
    422,
    ['body.server_ids[1]: is not a server of this project'],
  ])
  const { id: gone } = await addServer(agent.call)
  await agent.call('PUT', path, { server_ids: [gone, mine, mine] })
  await agent.call('DELETE', `/api/servers/${gone}`)
  expect((await agent.call('GET', path)).body).toEqual({ server_ids: [mine] })
  expect((await call('GET', `/api/servers/${theirs}`)).status).toBe(404)
  expect((await agent.call('PUT', path, { server_ids: null })).body).toEqual({ server_ids: null })
  expect((await call('GET', `/api/servers/${theirs}`)).status).toBe(200)
})

test('004.SEC-3 a limit that another project sets on a key changes nothing for it', async () => {
  const { id, call } = createKey()
  const { token } = await agent.createProject()
  const foreign = callerAt(agent.publicUrl, token)
  expect((await foreign('PUT', `/api/servers/limits/${id}`, { server_ids: [] })).status).toBe(200)
  expect((await call('GET', `/api/servers/${theirs}`)).status).toBe(200)
  expect((await agent.call('GET', `/api/servers/limits/${id}`)).body).toEqual({ server_ids: null })
})

test('004.SEC-3 no key says what a key may manage', async () => {
  const { id, call } = await createLimitedKey([mine], ['manage:*'])
  for (const method of ['GET', 'PUT'])
    expect(
      (await call(method, `/api/servers/limits/${id}`, method === 'PUT' ? { server_ids: null } : undefined))
        .status,
    ).toBe(403)
})
