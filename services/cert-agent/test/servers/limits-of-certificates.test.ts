import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type AgentUnderTest, type Call, startAgent } from '../support/agent.ts'
import { addCertificate, addLogin, addServer, faultsOf } from './support.ts'

let agent: AgentUnderTest
let mine: string
let theirs: string
let certificates: Record<'own' | 'shared' | 'foreign', string>
/** An API key that may manage `mine` only. */
let call: Call
beforeAll(async () => {
  agent = await startAgent()
  addLogin(agent)
  mine = (await addServer(agent.call)).id
  theirs = (await addServer(agent.call)).id
  const scopes = ['manage:servers', 'manage:certificates', 'manage:certificate-keys']
  const key = agent.apiKey.createKey({ projectId: agent.projectId, scopes })
  const id = agent.apiKey.keyIdOf(key)
  await agent.call('PUT', `/api/servers/limits/${id}`, { server_ids: [mine] })
  call = (method, path, body) => agent.call(method, path, body, { 'x-api-key': key })
  const names = ['a.example.com']
  certificates = {
    own: await addCertificate(agent, names, { createdBy: `api_key:${id}`, version: 1 }),
    shared: await addCertificate(agent, names, { version: 1 }),
    foreign: await addCertificate(agent, names, { version: 1 }),
  }
  const at = { projectId: agent.projectId, desiredVersion: 1 }
  await agent.deps.prisma.deployment.createMany({
    data: [
      { ...at, certificateId: certificates.shared, serverId: mine },
      { ...at, certificateId: certificates.shared, serverId: theirs },
      { ...at, certificateId: certificates.foreign, serverId: theirs },
    ],
  })
})
afterAll(() => agent?.stop())

const operations = () => agent.deps.prisma.operation.count()
const idsOf = ({ body }: { body: { items: { id: string }[] } }) => body.items.map(({ id }) => id).sort()

test('004.SEC-3 a limited key lists the certificates that it made or that its servers have', async () => {
  expect(idsOf(await call('GET', '/api/certificates'))).toEqual(
    [certificates.own, certificates.shared].sort(),
  )
  expect(idsOf(await agent.call('GET', '/api/certificates'))).toEqual(Object.values(certificates).sort())
})

test("004.SEC-3 of a certificate it is not told the deployments on others' servers", async () => {
  const deployedOn = async (ask: Call) =>
    (await ask('GET', `/api/certificates/${certificates.shared}`)).body.deployments
      .map((one: { server_id: string }) => one.server_id)
      .sort()
  expect(await deployedOn(call)).toEqual([mine])
  expect(await deployedOn(agent.call)).toEqual([mine, theirs].sort())
})

test("004.SEC-3 another client's certificate is 404 on every route, and nothing is begun", async () => {
  const before = await operations()
  for (const [method, path, body] of [
    ['GET', ''],
    ['PUT', '', { auto_renew: false }],
    ['DELETE', ''],
    ['GET', '/chain'],
    ['POST', '/deploy', {}],
    ['POST', '/renew', {}],
    ['POST', '/revoke', {}],
    ['POST', '/export-key', {}],
  ] as const) {
    const { status } = await call(method, `/api/certificates/${certificates.foreign}${path}`, body)
    expect([method, path, status]).toEqual([method, path, 404])
  }
  expect(await operations()).toBe(before)
})

test("004.SEC-3 its own certificate goes to no other client's server", async () => {
  const { body: vhost } = await agent.call('POST', `/api/servers/${theirs}/vhosts`, {
    names: ['a.example.com'],
  })
  const { id: acme_account_id } = await agent.deps.prisma.acmeAccount.create({
    data: {
      ...{ projectId: agent.projectId, name: 'ca', directoryUrl: 'https://ca.example.com/directory' },
      ...{ credentialId: randomUUID(), createdBy: 'test' },
    },
  })
  const issue = { names: ['a.example.com'], acme_account_id }
  const before = await operations()
  for (const [path, body] of [
    [`/${certificates.own}/deploy`, { server_ids: [theirs] }],
    [`/${certificates.own}/deploy`, { server_ids: [mine, theirs] }],
    ['/batch', { action: 'deploy', certificate_ids: [certificates.own], server_ids: [theirs] }],
    ['', { ...issue, name: 'one', vhost_ids: [vhost.id] }],
    ['', { ...issue, name: 'two', key_made_on: theirs }],
    [
      '',
      { ...issue, name: 'three', challenges: [{ type: 'http-01', server_id: theirs, webroot: '/srv/x' }] },
    ],
    ['/import', { name: 'four', pem: 'x', vhost_ids: [vhost.id] }],
  ] as const) {
    const { status } = await call('POST', `/api/certificates${path}`, body)
    expect([path, body, status]).toEqual([path, body, 404])
  }
  expect(await operations()).toBe(before)
})

test("004.SEC-3 operations on others' servers are not seen", async () => {
  const { body: operation } = await agent.call('POST', `/api/servers/${theirs}/discover`, {})
  for (const path of ['', '/events'])
    expect((await call('GET', `/api/certificates/operations/${operation.id}${path}`)).status).toBe(404)
  expect((await call('POST', `/api/certificates/operations/${operation.id}/cancel`, {})).status).toBe(404)
  expect(idsOf(await call('GET', '/api/certificates/operations'))).not.toContain(operation.id)
})

test('004.CFG-3 a certificate that is issued for a virtual host is for all of its names', async () => {
  const { body: vhost } = await agent.call('POST', `/api/servers/${mine}/vhosts`, {
    names: ['a.example.com', 'b.example.com'],
  })
  const { id: acme_account_id } = (await agent.deps.prisma.acmeAccount.findFirst()) ?? { id: '' }
  const refused = await agent.call('POST', '/api/certificates', {
    ...{ name: 'five', names: ['a.example.com'], acme_account_id, vhost_ids: [vhost.id] },
  })
  expect([refused.status, faultsOf(refused)]).toEqual([
    422,
    ['body.vhost_ids[0]: has the name b.example.com, which the certificate is not for'],
  ])
})
