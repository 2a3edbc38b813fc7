import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { AppError } from '@opsconductor/errors'
import { freePort } from '@opsconductor/test-peers'
import { probeDueVhosts } from '../../src/watching/probe-due-vhosts.ts'
import { type AgentUnderTest, callerAt, startAgent } from '../support/agent.ts'
import { caPem, dayFromNow, issue, rowsOf, serialOf, startTlsServer, strangeCa } from './fleet.ts'

let agent: AgentUnderTest
let server: Awaited<ReturnType<typeof startTlsServer>>
let closedPort: number
let projectId: string
let call: ReturnType<typeof callerAt>
let rows: ReturnType<typeof rowsOf>
let clock = () => new Date()
const name = 'www.example.test'
const good = issue([name, 'api.example.test'])

beforeAll(async () => {
  server = await startTlsServer(good)
  closedPort = await freePort()
  agent = await startAgent({ now: () => clock(), isIdle: true })
  agent.broker.caBundles.push(caPem)
  agent.executor.open(server.port, closedPort)
})
afterAll(async () => {
  await agent?.stop()
  await server?.close()
})
beforeEach(async () => {
  await agent.owner.query('DELETE FROM cert_agent.vhosts')
  const project = await agent.createProject()
  projectId = project.projectId
  call = callerAt(agent.publicUrl, project.token)
  rows = rowsOf(agent, projectId)
  server.show(good)
  clock = () => new Date()
  await agent.owner.query(
    `INSERT INTO cert_agent.notification_settings (project_id, settings, updated_by) VALUES ($1, '{}', 'test')`,
    [projectId],
  )
})

const look = () => probeDueVhosts(agent.deps, new AbortController().signal)
const after = (hours: number) => {
  const at = clock().getTime() + hours * 3_600_000
  clock = () => new Date(at)
}
const told = async (): Promise<string[]> => {
  const { rows: all } = await agent.owner.query(
    `SELECT payload ->> 'kind' AS kind FROM cert_agent.notifications WHERE project_id = $1 ORDER BY created_at`,
    [projectId],
  )
  return all.map(({ kind }) => kind)
}
/** A virtual host on which the certificate is live. */
async function addManaged(more: { names?: string[]; probePort?: number } = {}) {
  const { id: serverId } = await rows.addServer()
  const { id: certificateId } = await rows.addCertificate(good, { renewAt: new Date(dayFromNow(50)) })
  const deployment = await rows.addDeployment(certificateId, serverId, 1)
  const vhost = await rows.addVhost(serverId, {
    ...{ names: [name], probePort: server.port, certificateId },
    ...more,
  })
  return { ...vhost, deployment }
}

test('004.LOG-2 what is served is seen: serial, issuer, end, protocol, chain and name', async () => {
  const { id } = await addManaged({ names: [name, 'api.example.test'] })
  await look()
  expect(await rows.vhost(id)).toMatchObject({
    state: 'ok',
    served: {
      serial: serialOf(good),
      issuer: 'O=OpsConductor, CN=watching CA',
      not_after: good.certificate.x509.validToDate.toISOString(),
      protocol: 'TLSv1.3',
      chain_valid: true,
      name_matches: true,
      reasons: [],
    },
    probeError: null,
    probedAt: expect.any(Date),
  })
  expect(server.names).toContain(name)
  expect(await told()).toEqual([])
})

test.each<[string, () => Promise<{ id: string }>, string, RegExp]>([
  [
    'another certificate than the live one',
    async () => {
      server.show(issue([name]))
      return addManaged()
    },
    'mismatch',
    /^Another certificate is served/,
  ],
  [
    'a certificate that is not for one of its names',
    () => addManaged({ names: [name, 'other.example.test'] }),
    'mismatch',
    /is not for other\.example\.test/,
  ],
  [
    'a certificate of an authority that nobody trusts',
    async () => {
      const { id: serverId } = await rows.addServer()
      server.show(issue([name], { issuer: strangeCa }))
      return rows.addVhost(serverId, { names: [name], probePort: server.port })
    },
    'mismatch',
    /issuer of a certificate is not known/,
  ],
  [
    'a certificate that has ended',
    async () => {
      const { id: serverId } = await rows.addServer()
      server.show(issue([name], { notAfter: dayFromNow(-1) }))
      return rows.addVhost(serverId, { names: [name], probePort: server.port })
    },
    'expired',
    /has expired/,
  ],
  [
    'a certificate that ends soon and that nothing renews',
    async () => {
      const { id: serverId } = await rows.addServer()
      server.show(issue([name], { notBefore: dayFromNow(-80), notAfter: dayFromNow(5) }))
      return rows.addVhost(serverId, { names: [name], probePort: server.port })
    },
    'expiring',
    /^$/,
  ],
])('%s is told of once, and shown', async (_what, arrange, state, reason) => {
  const { id } = await arrange()
  await look()
  after(25)
  await look()
  const vhost = await rows.vhost(id)
  expect([vhost.state, (vhost.served as { reasons: string[] }).reasons.join(' ')]).toEqual([
    state,
    expect.stringMatching(reason),
  ])
  const kinds: Record<string, string> = {
    mismatch: 'vhost_mismatch',
    expired: 'certificate_expired',
    expiring: 'certificate_expiring',
  }
  expect(await told()).toEqual([kinds[state]])
})

test('a wished version that is served before it is known to be live is no mismatch', async () => {
  const { id, deployment } = await addManaged()
  await agent.deps.prisma.deployment.update({
    where: { id: deployment.id },
    data: { desiredVersion: 2, state: 'probing' },
  })
  const next = issue([name])
  await agent.deps.prisma.certificateVersion.create({
    data: {
      ...{ certificateId: deployment.certificateId, version: 2, serial: serialOf(next), issuer: 'test' },
      ...{
        names: [],
        fingerprintSha256: '',
        notBefore: new Date(),
        notAfter: new Date(),
        certificatePem: '',
      },
    },
  })
  server.show(next)
  await look()
  expect((await rows.vhost(id)).state).toBe('ok')
})

test('what cannot be reached is told of when it happens twice, what was seen before stays, and its return is a new beginning', async () => {
  const { id } = await addManaged()
  await look()
  await agent.owner.query('UPDATE cert_agent.vhosts SET probe_port = $1', [closedPort])
  after(25)
  await look()
  expect(await rows.vhost(id)).toMatchObject({
    state: 'unreachable',
    served: { serial: serialOf(good) },
    probeError: { code: 'target_unreachable', message: expect.not.stringContaining('127.0.0.1') },
  })
  expect(await told()).toEqual([])
  for (let hours = 0; hours < 4; hours++) {
    after(2)
    await look()
  }
  expect(await told()).toEqual(['vhost_unreachable'])
  await agent.owner.query('UPDATE cert_agent.vhosts SET probe_port = $1', [server.port])
  after(2)
  await look()
  expect([(await rows.vhost(id)).state, (await rows.vhost(id)).probeError, await told()]).toEqual([
    'ok',
    null,
    [],
  ])
})

test('one probe in vain between two that saw the same trouble is no new trouble', async () => {
  const { id } = await addManaged()
  server.show(issue([name]))
  const seeing = async (port: number) => {
    await agent.owner.query('UPDATE cert_agent.vhosts SET probe_port = $1 WHERE id = $2', [port, id])
    await look()
    after(25)
  }
  await seeing(server.port)
  const first = await agent.owner.query('SELECT id FROM cert_agent.notifications WHERE project_id = $1', [
    projectId,
  ])
  await seeing(closedPort)
  await seeing(server.port)
  const last = await agent.owner.query('SELECT id FROM cert_agent.notifications WHERE project_id = $1', [
    projectId,
  ])
  expect([first.rows.length, last.rows]).toEqual([1, first.rows])
})

test('what was only found, and that nobody gave a certificate, is watched and not told of', async () => {
  const { id: serverId } = await rows.addServer()
  const { id } = await rows.addVhost(serverId, { names: ['_'], probePort: closedPort, discovered: true })
  for (let times = 0; times < 3; times++) {
    await look()
    after(25)
  }
  expect([(await rows.vhost(id)).state, await told()]).toEqual(['unreachable', []])
})

test('several processes probe each virtual host once in a period, spread over it', async () => {
  const { id: serverId } = await rows.addServer()
  const ids: string[] = []
  for (let number = 0; number < 60; number++)
    ids.push(
      (await rows.addVhost(serverId, { names: [`h${number}.example.test`], probePort: closedPort })).id,
    )
  await agent.owner.query("UPDATE cert_agent.vhosts SET state = 'ok', probed_at = $1", [clock()])
  const store = agent.deps.vhostWatch
  const counts = new Map<string, number>()
  const perHour: number[] = []
  for (let hour = 0; hour < 48; hour++) {
    after(1)
    const taken = await Promise.all([1, 2, 3].map(() => store.takeDue(clock(), 86_400, 100)))
    perHour.push(taken.flat().length)
    for (const { id } of taken.flat()) counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  expect(ids.map((id) => counts.get(id))).toEqual(ids.map(() => 2))
  expect(Math.max(...perHour)).toBeLessThan(15)
})

test('while it is we who cannot look, nothing is called unreachable, and its turn comes again', async () => {
  const { id } = await addManaged()
  const internal = {
    ...agent.deps.internal,
    call: async () => Promise.reject(new AppError('service_unavailable', 'Away.')),
  }
  await probeDueVhosts({ ...agent.deps, internal } as never, new AbortController().signal)
  expect(await rows.vhost(id)).toMatchObject({
    state: 'unknown',
    probedAt: null,
    probeError: { code: 'service_unavailable' },
  })
  await look()
  expect((await rows.vhost(id)).state).toBe('ok')
})

test('those that cannot be looked at keep nobody from his turn', async () => {
  const other = await agent.createProject()
  const { id: serverId } = await rowsOf(agent, other.projectId).addServer()
  for (let number = 0; number < 60; number++)
    await rowsOf(agent, other.projectId).addVhost(serverId, {
      ...{ names: [`h${number}.example.test`], probePort: closedPort },
    })
  const { id } = await addManaged()
  await agent.owner.query('UPDATE cert_agent.vhosts SET probed_at = $1 WHERE id = $2', [dayFromNow(-30), id])
  const internal = {
    ...agent.deps.internal,
    call: (endpoint: never, request: { project_id: string }, options: never) =>
      request.project_id === projectId
        ? agent.deps.internal.call(endpoint, request as never, options)
        : Promise.reject(new AppError('service_unavailable', 'Away.')),
  }
  const isSeen = async () => (await rows.vhost(id)).state === 'ok'
  for (let looks = 0; looks < 20 && !(await isSeen()); looks++)
    await probeDueVhosts({ ...agent.deps, internal } as never, new AbortController().signal)
  expect(await isSeen()).toBe(true)
})

test('what was taken and not looked at because the service stops has its turn again', async () => {
  const { id } = await addManaged()
  const stop = new AbortController()
  const internal = {
    ...agent.deps.internal,
    call: async () => {
      stop.abort()
      throw new AppError('service_unavailable', 'Away.')
    },
  }
  await probeDueVhosts({ ...agent.deps, internal } as never, stop.signal)
  expect(await rows.vhost(id)).toMatchObject({ state: 'unknown', probedAt: null, probeError: null })
})

test('somebody may look at once: the answer is what was seen, and it is in the audit log', async () => {
  const { id, serverId } = await addManaged()
  const { status, body } = await call('POST', `/api/servers/${serverId}/vhosts/${id}/probe`)
  expect([status, body.state, body.served.serial]).toEqual([200, 'ok', serialOf(good)])
  const { rows: audited } = await agent.owner.query(
    "SELECT server_id, outcome, detail FROM cert_agent.audit_log WHERE action = 'vhost.probe' AND project_id = $1",
    [projectId],
  )
  expect(audited).toEqual([
    { server_id: serverId, outcome: 'succeeded', detail: { vhost_id: id, state: 'ok' } },
  ])
})

test("another project's virtual host, one of another server and one that is not there are 404; who only reads may not look", async () => {
  const { id, serverId } = await addManaged()
  const { id: otherServer } = await rows.addServer()
  const path = (server: string, vhost: string) => `/api/servers/${server}/vhosts/${vhost}/probe`
  const stranger = await agent.createProject()
  const strange = callerAt(agent.publicUrl, stranger.token)
  expect((await strange('POST', path(serverId, id))).status).toBe(404)
  expect((await call('POST', path(otherServer, id))).status).toBe(404)
  expect((await call('POST', path(serverId, otherServer))).status).toBe(404)
  expect((await call('POST', path(serverId, 'x'))).status).toBe(404)
  const { token } = await agent.apiKey.createUser({ role: 'viewer', projectId })
  expect((await callerAt(agent.publicUrl, token)('POST', path(serverId, id))).status).toBe(403)
})

test('what the outbound policy does not open is not connected to', async () => {
  const { id: serverId } = await rows.addServer()
  const closed = await startTlsServer(good)
  try {
    const vhost = await rows.addVhost(serverId, { names: [name], probePort: closed.port })
    const { body } = await call('POST', `/api/servers/${serverId}/vhosts/${vhost.id}/probe`)
    expect([body.state, body.probe_error.code, closed.names]).toEqual(['unreachable', 'outbound_denied', []])
  } finally {
    await closed.close()
  }
})
