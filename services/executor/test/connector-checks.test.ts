import { randomBytes, randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { connectorKindDefinitions } from '@opsconductor/connector-kinds'
import type { ConnectorKind } from '@opsconductor/contracts'
import {
  createSshKey,
  type Snmpd,
  type SshdPeer,
  startSnmpd,
  startSshd,
  testInternalKey,
} from '@opsconductor/test-peers'
import { request } from 'undici'
import { runCheck } from '../src/checks/run-check.ts'
import { trustIn } from './contract/peers-ssh.ts'
import { type ExecutorUnderTest, startExecutor } from './support/executor.ts'
import { sendJson, startTarget } from './support/target-server.ts'

let executor: ExecutorUnderTest
let target: Awaited<ReturnType<typeof startTarget>>
let sshd: SshdPeer
let agent: Snmpd
let silent: Server
let silentPort: number
const credentialIds = new Map<string, string>()
const token = `tok-${randomBytes(12).toString('base64url')}`
const wrongToken = `wrong-${randomBytes(12).toString('base64url')}`
const wrongPassword = `wrong-${randomBytes(9).toString('base64url')}/é`

beforeAll(async () => {
  target = await startTarget(({ method, url, headers }, response) => {
    const isKnown = headers.authorization === `Bearer ${token}`
    if (url === '/open/healthz') return sendJson(response, {})
    if (url === '/slow') return undefined
    if (!isKnown) return sendJson(response, { sent: headers.authorization }, 401)
    if (url === '/v1/models') return sendJson(response, { data: [] })
    if (url === '/data') return sendJson(response, {}, headers['x-tenant'] === 'blue' ? 200 : 404)
    if (url === '/agent') return sendJson(response, {}, method === 'POST' ? 200 : 405)
    return sendJson(response, {}, 404)
  })
  silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  silentPort = (silent.address() as { port: number }).port
  ;[executor, sshd, agent] = await Promise.all([
    startExecutor({ resolve: async () => [{ address: '127.0.0.1', family: 4 }] }),
    startSshd(),
    startSnmpd(),
  ])
  const databasePort = Number(new URL(executor.database.ownerUrl).port)
  await executor.open(target.port, databasePort, silentPort, sshd.port, agent.port, 1)
  executor.broker.hostKeys.push(trustIn(sshd, 'web-01.example.com'))
  addCredentials()
}, 60_000)
afterAll(async () => {
  await executor?.stop()
  silent?.close()
  await Promise.all([target?.close(), sshd?.close(), agent?.close()])
})

function addCredentials(): void {
  const { broker, projectId } = executor
  const add = (name: string, type: string, secret: Record<string, string>, more: object = {}) =>
    credentialIds.set(name, broker.add({ projectId, name, type, secret, ...more }).id)
  const dsn = new URL(executor.database.urlOf('executor'))
  add('token', 'bearer_token', { token })
  add('wrong token', 'bearer_token', { token: wrongToken })
  add('elsewhere', 'bearer_token', { token }, { limits_hosts: ['api.example.com'] })
  add('signer', 'custom', { key: wrongToken })
  add('dsn', 'db_dsn', { dsn: dsn.href })
  dsn.password = wrongPassword
  add('wrong dsn', 'db_dsn', { dsn: dsn.href })
  const login = { extra: { username: sshd.username } }
  add('key', 'ssh', { private_key: sshd.clientKey.privateKey }, login)
  add('wrong key', 'ssh', { private_key: createSshKey().privateKey }, login)
  add('community', 'snmp_community', { community: 'public' }, { extra: { version: 'v2c' } })
}

/** A connector of the kind, opened by the credential of that name, if any. */
function connector(kind: ConnectorKind, settings: object, credential?: string) {
  const id = randomUUID()
  const definition = connectorKindDefinitions.get(kind)
  if (definition === undefined) throw new Error(`there is no kind ${kind}`)
  if (credential !== undefined) executor.broker.openConnector(id, credentialIds.get(credential) ?? '')
  return {
    check_id: randomUUID(),
    project_id: executor.projectId,
    connector: { id, has_credential: credential !== undefined },
    check: definition.check(definition.settings.parse(settings) as never),
  }
}

async function post(body: object) {
  const answer = await request(`${executor.internalUrl}/internal/checks`, {
    method: 'POST',
    headers: { 'x-internal-key': testInternalKey, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await answer.body.text()
  return { status: answer.statusCode, text, body: JSON.parse(text) }
}
type Given = ReturnType<typeof connector>

const llm = (credential?: string) =>
  connector('llm', { base_url: `${target.url}/v1`, model: 'm' }, credential)
const data = (credential?: string) =>
  connector('datasource', { base_url: `${target.url}/data`, headers: { 'X-Tenant': 'blue' } }, credential)
const inward = (url: string) => connector('datasource', { base_url: url }, 'token')

test.each<[string, () => Given]>([
  ['001.23a a language model', () => llm('token')],
  [
    '001.23b an agent that takes POST alone',
    () => connector('external_agent', { url: `${target.url}/agent` }, 'token'),
  ],
  [
    '001.23b an agent that is open, by its health URL',
    () =>
      connector('external_agent', { url: `${target.url}/agent`, health_url: `${target.url}/open/healthz` }),
  ],
  ['001.23c a data source, with its headers', () => data('token')],
  ['001.23 a tool', () => connector('tool', { url: `${target.url}/agent` }, 'token')],
  [
    '001.23 an HTTP API, by its health path',
    () => connector('http_api', { base_url: `${target.url}/open`, health_path: '/healthz' }),
  ],
  [
    'an HTTP API whose steps sign, and which wants a signature of the check too,',
    () => connector('http_api', { base_url: target.url }, 'signer'),
  ],
  ['001.23c a database', () => connector('database', {}, 'dsn')],
  [
    '001.23 an SSH server',
    () => connector('ssh_host', { host: 'web-01.example.com', port: sshd.port }, 'key'),
  ],
  [
    '001.23 an SNMP device',
    () => connector('snmp_device', { host: 'device.example.com', port: agent.port }, 'community'),
  ],
])('%s is found well, with the time it took', async (_, given) => {
  const { status, body } = await post(given())
  expect([status, body]).toEqual([200, { ok: true, latency_ms: expect.any(Number) }])
})

test('what opens a connector is borrowed for the connector and the check, once, and never for a run', async () => {
  const before = executor.broker.lent.length
  const given = llm('token')
  await post(given)
  expect(executor.broker.lent.slice(before)).toEqual([
    {
      reference: given.connector.id,
      project_id: executor.projectId,
      check_id: given.check_id,
      traceparent: undefined,
    },
  ])
  await post(connector('http_api', { base_url: `${target.url}/open`, health_path: '/healthz' }))
  expect(executor.broker.lent.length).toBe(before + 1)
})

test.each<[string, () => Given, string, RegExp]>([
  [
    '001.23a where a language model does not take the token',
    () => llm('wrong token'),
    'credential_refused',
    /refused the credential: it answered 401/,
  ],
  [
    '001.23a where a language model wants a credential',
    () => llm(),
    'credential_refused',
    /wants a credential: it answered 401/,
  ],
  [
    '001.23b where an agent is not where it was',
    () => connector('external_agent', { url: `${target.url}/moved` }, 'token'),
    'target_refused',
    /answered 404/,
  ],
  [
    '001.23b where nobody listens where an agent was',
    () => connector('external_agent', { url: 'http://127.0.0.1:1/' }, 'token'),
    'target_unreachable',
    /refused/,
  ],
  [
    '001.23c where a data source points inward',
    () => inward('http://127.0.0.1:9/'),
    'outbound_denied',
    /policy/,
  ],
  [
    "001.23c where a data source is a cloud's metadata address",
    () => inward('http://169.254.169.254/latest'),
    'outbound_denied',
    /policy/,
  ],
  [
    '001.23c where a data source is our own database',
    () => inward('http://[::1]:5433/'),
    'outbound_denied',
    /policy/,
  ],
  [
    'where a limit of hosts leaves a connector out',
    () => data('elsewhere'),
    'outbound_denied',
    /limits name others/,
  ],
  [
    '001.23c where a database does not take the password',
    () => connector('database', {}, 'wrong dsn'),
    'credential_refused',
    /refused/,
  ],
  [
    'where a database has no credential',
    () => connector('database', {}),
    'credential_unusable',
    /needs a credential/,
  ],
  [
    'where a database is opened by a token',
    () => connector('database', {}, 'token'),
    'credential_unusable',
    /bearer_token/,
  ],
  [
    'where an SSH server does not take the key',
    () => connector('ssh_host', { host: 'web-01.example.com', port: sshd.port }, 'wrong key'),
    'credential_refused',
    /./,
  ],
  [
    'where an SSH server has no credential',
    () => connector('ssh_host', { host: 'web-01.example.com', port: sshd.port }),
    'credential_unusable',
    /needs a credential/,
  ],
  [
    'where an SNMP device has no credential',
    () => connector('snmp_device', { host: 'device.example.com', port: agent.port }),
    'credential_unusable',
    /needs a credential/,
  ],
  ['where the broker does not lend', () => llm('gone'), 'credential_unusable', /does not exist/],
])('%s the check says so, and no secret', async (_, given, code, message) => {
  const { status, body, text } = await post(given())
  expect([status, body]).toEqual([
    200,
    { ok: false, latency_ms: expect.any(Number), code, message: expect.stringMatching(message) },
  ])
  for (const secret of [token, wrongToken, wrongPassword, encodeURIComponent(wrongPassword)])
    expect(text + executor.lines.join('')).not.toContain(secret)
})

test.each<[string, () => Given]>([
  ['an agent that says nothing', () => connector('external_agent', { url: `${target.url}/slow` })],
  [
    'a server that says nothing',
    () => connector('ssh_host', { host: 'web-01.example.com', port: silentPort }, 'key'),
  ],
])('a check of %s ends when its time is up', async (_, given) => {
  expect(await runCheck(executor.deps.checks, given(), 1_000)).toMatchObject({
    ok: false,
    code: 'target_timeout',
  })
})

test.each<[string, (given: Given) => object, string]>([
  ['neither credential nor connector', ({ connector: _, ...rest }) => rest, 'body.connector'],
  ['a credential and a connector', (given) => ({ ...given, credential: 'token' }), 'body.connector'],
  [
    'no word of a credential',
    (given) => ({ ...given, connector: { id: given.connector.id } }),
    'body.connector.has_credential',
  ],
  [
    'a connector by name',
    (given) => ({ ...given, connector: { ...given.connector, id: 'llm' } }),
    'body.connector.id',
  ],
  [
    "a header that is the connection's",
    (given) => ({ ...given, check: { ...given.check, headers: { Host: 'a' } } }),
    'body.check.headers.Host',
  ],
  [
    'a header in two lines',
    (given) => ({ ...given, check: { ...given.check, headers: { 'X-A': 'a\r\nb: c' } } }),
    'body.check.headers.X-A',
  ],
])('a check of %s is refused naming the field', async (_, change, path) => {
  const { status, body } = await post(change(llm('token')))
  expect([status, body.errors[0].path]).toEqual([422, path])
})
