import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type AgentUnderTest, callerAt, startAgent } from '../support/agent.ts'
import { addCertificate, addLogin, addServer, faultsOf } from './support.ts'

let agent: AgentUnderTest
let loginId: string
beforeAll(async () => {
  agent = await startAgent()
  loginId = addLogin(agent).id
  agent.broker.add({
    projectId: agent.projectId,
    name: 'token',
    type: 'bearer_token',
    secret: { token: 't' },
  })
  agent.executor.bastions.push({
    ...{ projectId: agent.projectId, name: 'gate', host: 'gate.example.com', port: 22, credential: 'login' },
  })
})
afterAll(() => agent?.stop())

const auditOf = (serverId: string) =>
  agent.deps.prisma.auditRow.findMany({ where: { serverId }, orderBy: { id: 'asc' } })

test('004.CFG-1 a server is registered with what its NGINX usually has, found, changed and forgotten', async () => {
  const created = await agent.call('POST', '/api/servers', {
    ...{ name: 'web', host: 'WEB.Example.com', credential: 'login' },
  })
  expect([created.status, created.headers.location]).toEqual([201, `/api/servers/${created.body.id}`])
  expect(created.body).toMatchObject({
    ...{ name: 'web', host: 'web.example.com', port: 22, via: [], sudo: false, keep_versions: 3 },
    ...{ project_id: agent.projectId, credential_id: loginId, created_by: `user:${agent.userId}` },
    nginx: {
      ...{ binary: '/usr/sbin/nginx', config_file: null, certificates_directory: '/etc/nginx/opsconductor' },
      ...{ config_directories: [], reload: 'signal', owner: null, group: null, key_mode: '0600' },
    },
  })
  const path = `/api/servers/${created.body.id}`
  expect((await agent.call('GET', path)).body).toEqual(created.body)
  const changed = await agent.call('PUT', path, { sudo: true, keep_versions: 5 })
  expect(changed.body).toMatchObject({ name: 'web', sudo: true, keep_versions: 5, port: 22 })
  expect((await agent.call('DELETE', path)).status).toBe(204)
  expect((await agent.call('GET', path)).status).toBe(404)
})

test('004.CFG-2 SSH details are a credential by name or id, a way over bastions, and the paths of NGINX', async () => {
  const nginx = {
    ...{ binary: '/usr/local/openresty/nginx/sbin/nginx', config_file: '/opt/nginx/nginx.conf' },
    ...{ certificates_directory: '/opt/nginx//certificates/', config_directories: ['/opt/nginx/sites'] },
    ...{ reload: 'systemctl-reload', owner: 'root', group: 'ssl-cert', key_mode: '0640' },
  }
  const server = await addServer(agent.call, { credential: loginId, via: ['gate'], port: 2222, nginx })
  expect(server).toMatchObject({
    ...{ credential_id: loginId, via: ['gate'], port: 2222 },
    nginx: { ...nginx, certificates_directory: '/opt/nginx/certificates' },
  })
})

test('004.LOG-4 who registers, changes and forgets a server is in the audit log, without secrets', async () => {
  const server = await addServer(agent.call)
  await agent.call('PUT', `/api/servers/${server.id}`, { port: 2200 })
  await agent.call('DELETE', `/api/servers/${server.id}`)
  const actor = `user:${agent.userId}`
  expect(await auditOf(server.id)).toMatchObject([
    { action: 'server.create', actor, outcome: 'succeeded', detail: { host: 'web.example.com', port: 22 } },
    { action: 'server.update', actor, detail: { port: 2200, credential_id: loginId } },
    { action: 'server.delete', actor, detail: { name: server.name, force: false } },
  ])
})

test('servers are listed newest first, by name and in pages, and only those of the project', async () => {
  const { projectId, token } = await agent.createProject()
  addLogin(agent, 'login', projectId)
  const call = callerAt(agent.publicUrl, token)
  const made = [await addServer(call), await addServer(call), await addServer(call)]
  const first = await call('GET', '/api/servers?limit=2')
  expect(first.body.items.map(({ id }: { id: string }) => id)).toEqual([made[2]?.id, made[1]?.id])
  const second = await call('GET', `/api/servers?limit=2&cursor=${first.body.next_cursor}`)
  expect([second.body.items.length, second.body.items[0].id, second.body.next_cursor]).toEqual([
    1,
    made[0]?.id,
    null,
  ])
  const named = await call('GET', `/api/servers?name=${made[1]?.name}`)
  expect(named.body.items).toHaveLength(1)
})

test('a name is taken once in a project', async () => {
  const { name } = await addServer(agent.call)
  const twice = await agent.call('POST', '/api/servers', { name, host: 'a.example.com', credential: 'login' })
  expect([twice.status, faultsOf(twice)]).toEqual([409, ['body.name: is taken']])
  const other = await addServer(agent.call)
  expect((await agent.call('PUT', `/api/servers/${other.id}`, { name })).status).toBe(409)
})

test.each<[string, Record<string, unknown>, string]>([
  [
    'no credential of the project',
    { credential: 'nobodys' },
    'body.credential: is not a credential of this project',
  ],
  [
    'a credential of another type',
    { credential: 'token' },
    'body.credential: is of type bearer_token; ssh or ssh_certificate is taken',
  ],
  [
    'a bastion that there is not',
    { via: ['nowhere'] },
    'body.via: names a bastion that this project does not have',
  ],
  [
    'a bastion twice',
    { via: ['gate', 'gate'] },
    'body.via[1]: is named twice: the way would lead in a circle',
  ],
  ['a host with a command', { host: 'a;id' }, 'body.host: must be one host name'],
  ['a host that is an option', { host: '-oProxyCommand=id' }, 'body.host: must be one host name'],
  ['a host with a new line', { host: 'a\nb' }, 'body.host: must be one host name'],
  ['a homograph', { host: 'ex\u0430mple.com' }, 'body.host: must be one host name'],
  ['a name for a path', { name: '../x' }, 'body.name: must be lower-case words'],
  ['a port of no machine', { port: 70_000 }, 'body.port: '],
  ['a field that there is not', { sudo_password: 'x' }, 'body: '],
  ['a command for nginx', { nginx: { binary: '/bin/sh' } }, 'body.nginx.binary: must be the path of nginx'],
  [
    'an option for nginx',
    { nginx: { binary: '-c/etc/shadow' } },
    'body.nginx.binary: must be an absolute path',
  ],
  [
    'a shell in a path',
    { nginx: { binary: '/usr/sbin/nginx;id' } },
    'body.nginx.binary: must be an absolute path',
  ],
  [
    'a path that climbs',
    { nginx: { certificates_directory: '/etc/nginx/../ssh' } },
    'body.nginx.certificates_directory: must not contain . or ..',
  ],
  [
    'keys at the root',
    { nginx: { certificates_directory: '/' } },
    'body.nginx.certificates_directory: must be at least two levels below /',
  ],
  [
    'keys over a system',
    { nginx: { certificates_directory: '/etc' } },
    'body.nginx.certificates_directory: must be at least two levels below /',
  ],
  [
    'keys as cron jobs',
    { nginx: { certificates_directory: '/etc/cron.d' } },
    'body.nginx.certificates_directory: is a directory of the system',
  ],
  [
    'keys as SSH keys',
    { nginx: { certificates_directory: '/root/.ssh' } },
    'body.nginx.certificates_directory: must not lead through hidden',
  ],
  [
    'configuration for sudo',
    { nginx: { config_directories: ['/etc/nginx/sites', '/etc/sudoers.d'] } },
    'body.nginx.config_directories[1]: is a directory of the system',
  ],
  [
    'configuration among the keys',
    { nginx: { config_directories: ['/etc/nginx/opsconductor/x'] } },
    'body.nginx.config_directories[0]: must not be where the private keys are',
  ],
  ['a mode that is none', { nginx: { key_mode: '999' } }, 'body.nginx.key_mode: must be an octal mode'],
  [
    'keys that everybody may read',
    { nginx: { key_mode: '0644' } },
    'body.nginx.key_mode: must be an octal mode that gives others nothing',
  ],
  [
    'a file that nginx would quote in its complaint',
    { nginx: { config_file: '/etc/shadow' } },
    'body.nginx.config_file: must be a configuration of NGINX',
  ],
  [
    'configuration that shells read',
    { nginx: { config_directories: ['/etc/default'] } },
    'body.nginx.config_directories[0]: is a directory of the system',
  ],
  [
    'an option for systemctl',
    { nginx: { systemd_unit: '--user' } },
    'body.nginx.systemd_unit: must be the name of a unit',
  ],
  [
    'an owner with a command',
    { nginx: { owner: 'root;id' } },
    'body.nginx.owner: must be the name of an account',
  ],
])('%s is refused by name when a server is registered, and when it is changed', async (_, fields, fault) => {
  const body = { name: 'bad', host: 'a.example.com', credential: 'login', ...fields }
  const created = await agent.call('POST', '/api/servers', body)
  expect([created.status, faultsOf(created)]).toEqual([422, [expect.stringContaining(fault)]])
  const { id } = await addServer(agent.call)
  const changed = await agent.call('PUT', `/api/servers/${id}`, fields)
  expect([changed.status, faultsOf(changed)]).toEqual([422, [expect.stringContaining(fault)]])
})

test('a credential, a bastion and a server of another project are as if they were not there', async () => {
  const { projectId, token } = await agent.createProject()
  const call = callerAt(agent.publicUrl, token)
  const foreign = await agent.call('POST', '/api/servers', {
    ...{ name: 'foreign', host: 'a.example.com', credential: addLogin(agent, 'theirs', projectId).id },
  })
  expect([foreign.status, faultsOf(foreign)]).toEqual([
    422,
    ['body.credential: is not a credential of this project'],
  ])
  addLogin(agent, 'login', projectId)
  const via = await call('POST', '/api/servers', {
    name: 'x',
    host: 'a.example.com',
    credential: 'login',
    via: ['gate'],
  })
  expect(via.status).toBe(422)
  const { id } = await addServer(agent.call)
  for (const [method, path, body] of [
    ['GET', `/api/servers/${id}`],
    ['PUT', `/api/servers/${id}`, { sudo: true }],
    ['DELETE', `/api/servers/${id}?force=true`],
    ['POST', `/api/servers/${id}/check`, {}],
    ['POST', `/api/servers/${id}/discover`, {}],
    ['GET', `/api/servers/${id}/vhosts`],
    ['POST', `/api/servers/${id}/vhosts`, { names: ['a.example.com'] }],
  ] as const)
    expect([path, (await call(method, path, body)).status]).toEqual([path, 404])
  expect((await agent.call('GET', `/api/servers/${id}`)).body.sudo).toBe(false)
})

test('a server on which a certificate is live is forgotten only by force', async () => {
  const server = await addServer(agent.call)
  const certificateId = await addCertificate(agent, ['a.example.com'])
  await agent.deps.prisma.deployment.create({
    data: {
      projectId: agent.projectId,
      certificateId,
      serverId: server.id,
      desiredVersion: 1,
      liveVersion: 1,
    },
  })
  const path = `/api/servers/${server.id}`
  const refused = await agent.call('DELETE', path)
  expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining('?force=true')])
  expect((await agent.call('DELETE', `${path}?force=perhaps`)).status).toBe(400)
  expect((await agent.call('DELETE', `${path}?force=true`)).status).toBe(204)
  expect((await agent.call('DELETE', path)).status).toBe(404)
})

test('ids that are none, and of nothing, are 404', async () => {
  for (const id of [randomUUID(), 'x', '..%2f..', '%00'])
    expect([id, (await agent.call('GET', `/api/servers/${id}`)).status]).toEqual([id, 404])
})
