import { randomUUID } from 'node:crypto'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { discoverVhosts } from '../../src/vhosts/discover-vhosts.ts'
import { type Fleet, startFleet, writeText } from '../deploying/support.ts'
import { untilOperation } from '../operations/support.ts'
import { type AgentUnderTest, startAgent } from '../support/agent.ts'
import { addCertificate } from './support.ts'

let agent: AgentUnderTest
let fleet: Fleet
let serverId: string
beforeAll(async () => {
  agent = await startAgent()
  fleet = await startFleet(agent)
  serverId = (await fleet.addServer({ config_directories: [fleet.nginx.sites] })).id
}, 30_000)
afterAll(async () => {
  await fleet?.close()
  await agent?.stop()
})

const discover = (id = serverId) =>
  discoverVhosts(agent.deps, {
    ...{ projectId: agent.projectId, serverId: id, operationId: randomUUID(), actor: 'test' },
    signal: new AbortController().signal,
  })
const vhosts = () => agent.deps.prisma.vhost.findMany({ where: { serverId }, orderBy: { names: 'asc' } })
const check = async (id = serverId) => {
  const { status, body } = await agent.call('POST', `/api/servers/${id}/check`, {})
  return { status, ...body }
}
const statesOf = ({ parts }: { parts: { part: string; state: string }[] }) =>
  parts.map(({ part, state }) => `${part} ${state}`)

test('004.CFG-3 virtual hosts with TLS are found in what nginx -T says, and taken up once', async () => {
  const { nginx } = fleet
  nginx.setSite({ names: ['a.example.test', '*.a.example.test', '~^b\\d+$'] })
  expect(await discover()).toMatchObject({ found: 2, added: 2, changed: 0, removed: 0, faults: [] })
  const at = { discovered: true, probePort: nginx.port, certificateId: null, template: null, probeHost: null }
  expect(await vhosts()).toMatchObject([
    { ...at, names: ['a.example.test', '*.a.example.test'], configFile: nginx.siteFile('a.example.test') },
    { ...at, names: ['other.example.test'], configFile: nginx.siteFile('other.example.test') },
  ])
  expect(await discover()).toMatchObject({ found: 2, added: 0, changed: 0, removed: 0 })
})

test('004.CFG-3 a virtual host that serves a certificate which was deployed to its server is mapped to it, and to no other', async () => {
  const [certificateId, foreignId] = [
    await addCertificate(agent, ['own.example.test']),
    await addCertificate(agent, ['foreign.example.test']),
  ]
  // The files need not be there for this: only nginx itself would look at them.
  const config = [
    ['own', certificateId],
    ['foreign', foreignId],
  ].map(([name, id]) => {
    const live = join(fleet.nginx.certificates, `${id}`, 'live')
    const paths = { certificate: `${live}/fullchain.pem`, key: `${live}/privkey.pem` }
    return fleet.nginx.site({ names: [`${name}.example.test`], ...paths })
  })
  const binary = join(fleet.sshd.home, 'nginx')
  writeText(
    binary,
    `#!/bin/sh\ncat <<'end'\n# configuration file /n.conf:\nhttp {\n${config.join('')}}\nend\n`,
  )
  chmodSync(binary, 0o755)
  const server = await fleet.addServer({ binary })
  await agent.deps.prisma.deployment.create({
    data: { projectId: agent.projectId, certificateId, serverId: server.id, desiredVersion: 1 },
  })
  expect(await discover(server.id)).toMatchObject({ found: 2, added: 2 })
  const found = await agent.deps.prisma.vhost.findMany({
    where: { serverId: server.id },
    orderBy: { names: 'asc' },
  })
  expect(found).toMatchObject([
    { names: ['foreign.example.test'], certificateId: null },
    { names: ['own.example.test'], certificateId },
  ])
})

test('a file whose name climbs out of its directory is not taken for one that may be written', async () => {
  const binary = join(fleet.sshd.home, 'nginx')
  const config = 'http { server { listen 443 ssl; server_name climbs.example.test; } }'
  writeText(binary, `#!/bin/sh\ncat <<'end'\n# configuration file /etc/nginx/../n.conf:\n${config}\nend\n`)
  chmodSync(binary, 0o755)
  const server = await fleet.addServer({ binary })
  expect(await discover(server.id)).toMatchObject({ added: 1 })
  const [found] = await agent.deps.prisma.vhost.findMany({ where: { serverId: server.id } })
  expect(found).toMatchObject({ names: ['climbs.example.test'], configFile: null })
})

test('what people wrote of a virtual host stays, and what is gone is forgotten unless it has a certificate', async () => {
  const { nginx } = fleet
  const [first] = await vhosts()
  const path = `/api/servers/${serverId}/vhosts`
  await agent.call('PUT', `${path}/${first?.id}`, { names: ['a.example.test'], probe_host: '192.0.2.1' })
  nginx.setSite({ names: ['gone.example.test'] })
  nginx.setSite({ names: ['kept.example.test'] })
  await discover()
  const kept = (await vhosts()).find(({ names }) => names[0] === 'kept.example.test')
  const certificateId = await addCertificate(agent, ['kept.example.test'])
  await agent.deps.prisma.vhost.update({ where: { id: kept?.id ?? '' }, data: { certificateId } })
  nginx.removeSite('gone.example.test')
  nginx.removeSite('kept.example.test')
  expect(await discover()).toMatchObject({ removed: 1 })
  expect(await vhosts()).toMatchObject([
    { names: ['a.example.test'], probeHost: '192.0.2.1', discovered: false },
    { names: ['kept.example.test'], certificateId },
    { names: ['other.example.test'] },
  ])
})

test('a discovery is an operation: asked for by the API, seen to its end, with what was found', async () => {
  const { status, headers, body } = await agent.call('POST', `/api/servers/${serverId}/discover`, {})
  expect([status, headers.location]).toEqual([202, body.status_url])
  expect(body).toMatchObject({ kind: 'discover', server_id: serverId, state: 'queued' })
  const ended = await untilOperation(agent.call, body.id, ({ finished_at }) => finished_at !== null)
  expect(ended).toMatchObject({ state: 'succeeded', result: { found: 2, faults: [] } })
}, 30_000)

test('a configuration that nginx refuses is not discovered, and nothing is forgotten', async () => {
  const before = await vhosts()
  fleet.nginx.breakConfig()
  await expect(discover()).rejects.toMatchObject({ code: 'target_refused' })
  fleet.nginx.repairConfig()
  expect(await vhosts()).toEqual(before)
})

test.each([
  ['endless', 'yes "# configuration file /n.conf:"', 'target_answer_too_large'],
  ['nothing', 'true', undefined],
  ['binary', 'head -c 1000000 /dev/urandom', undefined],
  ['nested', 'echo "# configuration file /n.conf:"; yes "http {" | head -n 100000', undefined],
])('a server that answers %s is bounded', async (_, script, code) => {
  const binary = join(fleet.sshd.home, 'nginx')
  writeText(binary, `#!/bin/sh\n${script}\n`)
  const server = await fleet.addServer({ binary })
  if (code === undefined) expect(await discover(server.id)).toMatchObject({ found: 0, added: 0 })
  else await expect(discover(server.id)).rejects.toMatchObject({ code })
})

test('004.SSH-1 004.SSH-2 a check says of each part whether the server can be deployed to', async () => {
  const seen = await check()
  expect(seen).toMatchObject({ status: 200, ok: true, nginx_version: expect.stringMatching(/^nginx\/\d/) })
  expect(statesOf(seen)).toEqual([
    ...['connection passed', 'sudo skipped', 'nginx passed', 'configuration passed'],
    'directories passed',
  ])
  const operation = await agent.deps.prisma.operation.findFirst({ where: { kind: 'check' } })
  expect(operation).toMatchObject({ state: 'succeeded', serverId, credentials: [fleet.credential.id] })
})

test('004.SSH-4 a check tells a configuration that nginx refuses from a directory that cannot be written', async () => {
  fleet.nginx.breakConfig()
  const { id } = await fleet.addServer({ certificates_directory: '/etc/nginx/nobodys' })
  const seen = await check(id)
  fleet.nginx.repairConfig()
  expect([seen.status, seen.ok]).toEqual([200, false])
  expect(statesOf(seen)).toEqual([
    ...['connection passed', 'sudo skipped', 'nginx passed', 'configuration failed'],
    'directories failed',
  ])
  expect(seen.parts[3].message).toMatch(/^NGINX refuses its configuration: .*listen/)
  expect(seen.parts[4].message).toBe('/etc/nginx/nobodys cannot be written by the account.')
})

test.each<[string, Record<string, unknown>, Record<string, unknown>, string, RegExp]>([
  ['nobody listens', {}, { port: 1 }, 'connection', /./],
  ['a bastion is gone', {}, { via: ['gone'] }, 'connection', /no bastion gone/],
  ['there is no nginx', { binary: '/nowhere/nginx' }, {}, 'nginx', /\/nowhere\/nginx is not there/],
  [
    'configuration cannot be written',
    { config_directories: ['/etc/nginx/nobodys'] },
    {},
    'directories',
    /^\/etc\/nginx\/nobodys cannot be written/,
  ],
])('where %s the check says so of its part', async (_, settings, fields, part, message) => {
  const { id } = await fleet.addServer(settings, fields)
  const seen = await check(id)
  expect([seen.status, seen.ok]).toEqual([200, false])
  const failed = seen.parts.find(({ state }: { state: string }) => state === 'failed')
  expect(failed).toMatchObject({ part, message: expect.stringMatching(message) })
})
