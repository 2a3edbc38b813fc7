import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type AgentUnderTest, callerAt, startAgent } from '../support/agent.ts'
import { addCertificate, addLogin, addServer, faultsOf } from './support.ts'

let agent: AgentUnderTest
let serverId: string
let path: string
beforeAll(async () => {
  agent = await startAgent()
  addLogin(agent)
  const nginx = { config_directories: ['/etc/nginx/sites', '/etc/nginx', '/home/deploy', '/usr/local'] }
  serverId = (await addServer(agent.call, { nginx })).id
  path = `/api/servers/${serverId}/vhosts`
})
afterAll(() => agent?.stop())

let made = 0
const nameOf = () => `shop-${++made}.example.com`
async function addVhost(fields: Record<string, unknown> = {}) {
  const answer = await agent.call('POST', path, { names: [nameOf()], ...fields })
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body))
  return answer
}
const deploymentsOf = (certificateId: string) =>
  agent.deps.prisma.deployment.findMany({ where: { certificateId } })
const template = `server {
  listen 443 ssl;
  server_name {{ server_names }};
  ssl_certificate {{ certificate_path }};
  ssl_certificate_key {{ key_path }};
}`

test('004.CFG-3 a certificate is mapped to a virtual host, which is found, changed and forgotten', async () => {
  const certificateId = await addCertificate(agent, ['a.example.com', '*.a.example.com'])
  const created = await addVhost({
    ...{ names: ['A.example.com', 'www.a.example.com', '*.a.example.com'], certificate_id: certificateId },
    ...{ probe_host: '192.0.2.7', probe_port: 8443 },
  })
  expect(created.headers.location).toBe(`${path}/${created.body.id}`)
  expect(created.body).toMatchObject({
    ...{ server_id: serverId, names: ['a.example.com', 'www.a.example.com', '*.a.example.com'] },
    ...{ probe_host: '192.0.2.7', probe_port: 8443, certificate_id: certificateId, discovered: false },
    ...{ state: 'unknown', served: null, probed_at: null, config_file: null, template: null },
  })
  const own = `${path}/${created.body.id}`
  expect((await agent.call('GET', own)).body).toEqual(created.body)
  expect((await agent.call('GET', path)).body.items).toContainEqual(created.body)
  const changed = await agent.call('PUT', own, { certificate_id: null, probe_host: null })
  expect(changed.body).toMatchObject({ certificate_id: null, probe_host: null, probe_port: 8443 })
  expect((await agent.call('DELETE', own)).status).toBe(204)
  expect((await agent.call('GET', own)).status).toBe(404)
  expect((await agent.call('DELETE', own)).status).toBe(404)
})

test('004.CFG-3 naming a certificate that has a version wishes it on the server, once for what is served', async () => {
  const name = nameOf()
  const certificateId = await addCertificate(agent, [name], { version: 3 })
  const created = await addVhost({ names: [name], certificate_id: certificateId })
  const operation = await agent.deps.prisma.operation.findFirst({ where: { certificateId } })
  expect(operation).toMatchObject({ kind: 'deploy', serverId, actor: `user:${agent.userId}` })
  expect(created.headers['operation-location']).toBe(`/api/certificates/operations/${operation?.id}`)
  expect(await deploymentsOf(certificateId)).toMatchObject([{ serverId, desiredVersion: 3 }])
  const probed = await agent.call('PUT', `${path}/${created.body.id}`, { probe_port: 8443 })
  expect([probed.status, probed.headers['operation-location']]).toEqual([200, undefined])
})

test('before its first version a certificate is named, and nothing is wished', async () => {
  const name = nameOf()
  const certificateId = await addCertificate(agent, [name])
  const { headers } = await addVhost({ names: [name], certificate_id: certificateId })
  expect([headers['operation-location'], await deploymentsOf(certificateId)]).toEqual([undefined, []])
})

test('004.CFG-3 what no virtual host of a server names any more is not deployed there any more', async () => {
  const [name, other] = [nameOf(), nameOf()]
  const certificateId = await addCertificate(agent, [name, other], { version: 1 })
  const { body: one } = await addVhost({ names: [name], certificate_id: certificateId })
  const { body: two } = await addVhost({ names: [other], certificate_id: certificateId })
  expect((await agent.call('DELETE', `${path}/${one.id}`)).status).toBe(204)
  expect(await deploymentsOf(certificateId)).toHaveLength(1)
  expect((await agent.call('PUT', `${path}/${two.id}`, { certificate_id: null })).status).toBe(200)
  expect(await deploymentsOf(certificateId)).toEqual([])
})

test('004.CFG-3 a certificate that is not for every name of the virtual host is refused with the name', async () => {
  const certificateId = await addCertificate(agent, ['*.b.example.com'])
  const refused = await agent.call('POST', path, {
    ...{ names: ['x.b.example.com', 'b.example.com'], certificate_id: certificateId },
  })
  const message = 'is not a name that the certificate is for'
  expect([refused.status, faultsOf(refused)]).toEqual([422, [`body.names[1]: ${message}`]])
  const { body } = await addVhost({ names: ['x.b.example.com'], certificate_id: certificateId })
  const changed = await agent.call('PUT', `${path}/${body.id}`, { names: ['x.y.b.example.com'] })
  expect(faultsOf(changed)).toEqual([`body.names[0]: ${message}`])
  expect((await addVhost({ names: ['_'], certificate_id: certificateId })).status).toBe(201)
})

test('a certificate of another project, or of nothing, is no certificate of this one', async () => {
  const { projectId } = await agent.createProject()
  const foreign = await addCertificate(agent, ['c.example.com'], { projectId })
  for (const certificate_id of [foreign, randomUUID()]) {
    const refused = await agent.call('POST', path, { names: ['c.example.com'], certificate_id })
    expect([refused.status, faultsOf(refused)]).toEqual([
      422,
      ['body.certificate_id: is not a certificate of this project'],
    ])
  }
})

test('004.09 a template is kept where it can be rendered, with a file below the directories for configuration', async () => {
  const config_file = '/etc/nginx/sites/kept.conf'
  const { body } = await addVhost({ template, config_file })
  expect(body).toMatchObject({ template, config_file })
  const { body: bare } = await addVhost({ config_file: '/etc/nginx/sites/bare.conf' })
  const refused = await agent.call('PUT', `${path}/${bare.id}`, { template: 'null' })
  expect(faultsOf(refused)).toEqual([expect.stringMatching(/^body\.template: The template is no NGINX/)])
})

test.each<[string, Record<string, unknown>, string]>([
  ['a template without a file', { template }, 'body.template: needs a config_file'],
  ['a file elsewhere', { config_file: '/etc/cron.d/x' }, 'body.config_file: must be below one of'],
  [
    'a file that climbs',
    { config_file: '/etc/nginx/sites/../../cron.d/x' },
    'body.config_file: must not contain . or ..',
  ],
  [
    'a file that opens a login',
    { template, config_file: '/home/deploy/.ssh/authorized_keys' },
    'body.config_file: must not be hidden, or in a hidden directory',
  ],
  [
    'a file that a login runs',
    { template, config_file: '/home/deploy/.profile' },
    'body.config_file: must not be hidden',
  ],
  [
    'a file among programs',
    { template, config_file: '/usr/local/bin/ls' },
    'body.config_file: must not be in a directory of the system',
  ],
  [
    'a file among the keys',
    { template, config_file: '/etc/nginx/opsconductor/x.conf' },
    'body.config_file: must not be where the private keys are',
  ],
  [
    'a file with a command',
    { config_file: '/etc/nginx/sites/$(id).conf' },
    'body.config_file: must be an absolute path',
  ],
  [
    'a template that closes the block and opens another',
    { config_file: '/etc/nginx/sites/x', template: `${template} } http { ` },
    'body.template: The template is no NGINX configuration: unexpected "}" in line 6',
  ],
  [
    'a template that includes what is not its',
    {
      config_file: '/etc/nginx/sites/x',
      template: template.replace('listen', 'include /etc/shadow; listen'),
    },
    'body.template: The template is refused: include must be a file below',
  ],
  ['a name with a command', { names: ['a.example.com;id'] }, 'body.names[0]: must be a server name'],
  ['a name with a brace', { names: ['a.example.com { }'] }, 'body.names[0]: must be a server name'],
  ['a name with a new line', { names: ['a.example.com\n'] }, 'body.names[0]: must be a server name'],
  ['a name that is an option', { names: ['-x'] }, 'body.names[0]: must be a server name'],
  ['a regular expression', { names: ['~^(a+)+$'] }, 'body.names[0]: must be a server name'],
  ['a homograph', { names: ['ex\u0430mple.com'] }, 'body.names[0]: must be a server name'],
  ['a name twice', { names: ['d.example.com', 'D.example.com'] }, 'body.names: must not name anything twice'],
  ['no names', { names: [] }, 'body.names: '],
  ['a huge list', { names: Array.from({ length: 101 }, (_, i) => `n${i}.example.com`) }, 'body.names: '],
  ['a host to probe with a port', { probe_host: 'a:1' }, 'body.probe_host: must be one host name'],
  ['a state of its own', { state: 'ok' }, 'body: '],
])('%s is refused by name in a virtual host', async (_, fields, fault) => {
  const { status, ...answer } = await agent.call('POST', path, { names: [nameOf()], ...fields })
  expect([status, faultsOf(answer)]).toEqual([422, [expect.stringContaining(fault)]])
})

test('a file that holds another virtual host is not written over', async () => {
  const config_file = '/etc/nginx/sites/both.conf'
  await addVhost({ config_file })
  const refused = await agent.call('POST', path, { names: [nameOf()], config_file, template })
  expect(faultsOf(refused)).toEqual(['body.config_file: holds the configuration of another virtual host too'])
})

test('two virtual hosts of one first name have two ports', async () => {
  const names = [nameOf()]
  await addVhost({ names })
  const twice = await agent.call('POST', path, { names })
  expect([twice.status, faultsOf(twice)]).toEqual([409, ['body.names[0]: is taken']])
  const { body } = await addVhost({ names, probe_port: 8443 })
  expect((await agent.call('PUT', `${path}/${body.id}`, { probe_port: 443 })).status).toBe(409)
})

test('a virtual host of another server, or of another project, is 404', async () => {
  const { body } = await addVhost()
  const other = await addServer(agent.call)
  const { token } = await agent.createProject()
  const stranger = callerAt(agent.publicUrl, token)
  for (const [call, id] of [
    [agent.call, other.id],
    [stranger, serverId],
  ] as const)
    for (const [method, fields] of [['GET'], ['PUT', { probe_port: 1 }], ['DELETE']] as const)
      expect((await call(method, `/api/servers/${id}/vhosts/${body.id}`, fields)).status).toBe(404)
  expect((await agent.call('GET', `${path}/${body.id}`)).body.probe_port).toBe(443)
})

test('two people who change different fields at once both have their way', async () => {
  const { body } = await addVhost()
  for (let port = 9_000; port < 9_005; port++) {
    const host = `192.0.2.${port - 8_999}`
    const own = `${path}/${body.id}`
    await Promise.all([
      agent.call('PUT', own, { probe_port: port }),
      agent.call('PUT', own, { probe_host: host }),
      agent.call('PUT', own, { config_file: `/etc/nginx/sites/${port}.conf` }),
    ])
    expect((await agent.call('GET', own)).body).toMatchObject({
      ...{ probe_port: port, probe_host: host, config_file: `/etc/nginx/sites/${port}.conf` },
    })
  }
})

test('004.07 one caller changes so many virtual hosts in a minute and no more', async () => {
  const { projectId, token } = await agent.createProject()
  addLogin(agent, 'login', projectId)
  const call = callerAt(agent.publicUrl, token)
  const { id } = await addServer(call)
  const unknown = { names: ['limited.example.com'], certificate_id: randomUUID() }
  const answers = await Promise.all(
    Array.from({ length: 241 }, () => call('POST', `/api/servers/${id}/vhosts`, unknown)),
  )
  const last = answers.filter(({ status }) => status !== 422)
  expect(last.map(({ status, headers }) => [status, Number(headers['retry-after']) > 0])).toEqual([
    [429, true],
  ])
})

test('004.LOG-4 who maps a certificate is in the audit log', async () => {
  const { body } = await addVhost({ config_file: '/etc/nginx/sites/logged.conf', template })
  await agent.call('PUT', `${path}/${body.id}`, { probe_port: 8443 })
  await agent.call('DELETE', `${path}/${body.id}`)
  const rows = await agent.deps.prisma.auditRow.findMany({
    where: { serverId, detail: { path: ['vhost_id'], equals: body.id } },
    orderBy: { id: 'asc' },
  })
  expect(rows).toMatchObject([
    { action: 'vhost.create', detail: { config_file: '/etc/nginx/sites/logged.conf', has_template: true } },
    { action: 'vhost.update', detail: { probe_port: 8443 } },
    { action: 'vhost.delete', actor: `user:${agent.userId}` },
  ])
})
