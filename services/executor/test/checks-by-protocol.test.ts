import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  createSshKey,
  type Snmpd,
  type SshdPeer,
  snmpPassphrases,
  startOAuth2Peer,
  startSnmpd,
  startSshd,
  testInternalKey,
} from '@opsconductor/test-peers'
import { request } from 'undici'
import { certificatesToPem, keyToPem } from '../../../packages/x509/src/index.ts'
import { type Identity, makeCertificate } from '../../../packages/x509/test/make-certificate.ts'
import { trustIn } from './contract/peers-ssh.ts'
import { type ExecutorUnderTest, startExecutor } from './support/executor.ts'
import { startTarget } from './support/target-server.ts'

let executor: ExecutorUnderTest
let agent: Snmpd
let sshd: SshdPeer
let authorisation: Awaited<ReturnType<typeof startOAuth2Peer>>
let target: Awaited<ReturnType<typeof startTarget>>
const servers: Server[] = []
const ports = { trusted: 0, strange: 0, silent: 0, closed: 1 }

const authority = makeCertificate('checks authority', { ca: true })
const stranger = makeCertificate('strange authority', { ca: true })
const site = (issuer: Identity) => pem(makeCertificate('localhost', { issuer, dns: ['localhost'] }))
const pem = ({ key, certificate }: Identity) => ({
  key: keyToPem(key),
  cert: certificatesToPem([certificate]),
})

async function open(server: Server): Promise<number> {
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const tlsServer = (issuer: Identity) =>
  createTlsServer(
    {
      ...site(issuer),
      ca: certificatesToPem([authority.certificate]),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (socket) => socket.on('error', () => {}).resume(),
  )

beforeAll(async () => {
  const loopback = async () => [{ address: '127.0.0.1', family: 4 }]
  ;[executor, agent, sshd, authorisation, target] = await Promise.all([
    startExecutor({ resolve: loopback }),
    startSnmpd(),
    startSshd(),
    startOAuth2Peer(),
    startTarget(async ({ headers }, response) => {
      const token = headers.authorization?.replace('Bearer ', '') ?? ''
      response.writeHead((await authorisation.isValid(token)) ? 200 : 401).end()
    }),
  ])
  ports.trusted = await open(tlsServer(authority))
  ports.strange = await open(tlsServer(stranger))
  ports.silent = await open(createTcpServer((socket) => socket.on('error', () => {})))
  await executor.open(...Object.values(ports), agent.port, sshd.port, authorisation.port, target.port)
  executor.broker.caBundles.push(certificatesToPem([authority.certificate]))
  executor.broker.hostKeys.push(trustIn(sshd, 'web-01.example.com'))
  addCredentials()
}, 60_000)
afterAll(async () => {
  await executor?.stop()
  for (const server of servers) server.close()
  await Promise.all([agent?.close(), sshd?.close(), authorisation?.close(), target?.close()])
})

function addCredentials(): void {
  const { broker, projectId } = executor
  const add = (
    name: string,
    type: string,
    secret: Record<string, string>,
    extra: Record<string, string> = {},
    limits_ca_bundles: string[] | null = null,
  ) => broker.add({ projectId, name, type, secret, extra, limits_ca_bundles })
  const certificate = (issuer: Identity) => pem(makeCertificate('client', { issuer }))
  const ours = certificate(authority)
  const theirs = certificate(stranger)
  const shown = { certificate: ours.cert }
  add('limited certificate', 'x509', { private_key: ours.key }, shown, ['bundle 0'])
  add('lost certificate', 'x509', { private_key: ours.key }, shown, ['lost'])
  add('limited community', 'snmp_community', { community: 'public' }, { version: 'v2c' }, ['bundle 0'])
  add('certificate', 'x509', { private_key: ours.key }, { certificate: ours.cert })
  add('wrong certificate', 'x509', { private_key: theirs.key }, { certificate: theirs.cert })
  add('community', 'snmp_community', { community: 'public' }, { version: 'v2c' })
  add('wrong community', 'snmp_community', { community: 'not-public' }, { version: 'v2c' })
  const user = { username: 'strong', level: 'authPriv', auth_protocol: 'sha512', priv_protocol: 'aes256b' }
  const passphrases = { auth_passphrase: snmpPassphrases.auth, priv_passphrase: snmpPassphrases.priv }
  add('user', 'snmp_v3', passphrases, user)
  add('unknown user', 'snmp_v3', passphrases, { ...user, username: 'nobody' })
  add('wrong passphrase', 'snmp_v3', { ...passphrases, auth_passphrase: 'another-passphrase' }, user)
  const { username } = sshd
  add('key', 'ssh', { private_key: sshd.clientKey.privateKey }, { username })
  add('wrong key', 'ssh', { private_key: createSshKey().privateKey }, { username })
  const { service } = authorisation.clients
  const client = { client_id: service.id, token_url: authorisation.tokenUrl, auth_style: service.style }
  add('client', 'oauth2_client', { client_secret: service.secret }, client)
  add('wrong client', 'oauth2_client', { client_secret: 'not-the-secret' }, client)
}

async function check(credential: string, what: object) {
  const answer = await request(`${executor.internalUrl}/internal/checks`, {
    method: 'POST',
    headers: { 'x-internal-key': testInternalKey, 'content-type': 'application/json' },
    body: JSON.stringify({
      check_id: randomUUID(),
      project_id: executor.projectId,
      credential,
      check: what,
    }),
  })
  return { status: answer.statusCode, body: JSON.parse(await answer.body.text()) }
}
const tls = (port: number) => ({ kind: 'tls', host: 'localhost', port })
const snmp = (port: number) => ({ kind: 'snmp', host: 'device.example.com', port })
const ssh = (host: string) => ({ kind: 'ssh', host, port: sshd.port })
const http = () => ({ kind: 'http', url: target.url })

test.each<[string, () => object]>([
  ['certificate', () => tls(ports.trusted)],
  ['limited certificate', () => tls(ports.trusted)],
  ['community', () => snmp(agent.port)],
  ['user', () => snmp(agent.port)],
  ['key', () => ssh('web-01.example.com')],
  ['client', http],
])('001.06 the credential %s works on its target', async (credential, what) => {
  const { status, body } = await check(credential, what())
  expect([status, body]).toEqual([200, { ok: true, latency_ms: expect.any(Number) }])
})

test.each<[string, string, () => object, string, RegExp]>([
  [
    'an SSH server does not take the key',
    'wrong key',
    () => ssh('web-01.example.com'),
    'credential_refused',
    /refused/,
  ],
  [
    'an SSH server shows a key that nobody has approved',
    'key',
    () => ssh('web-02.example.com'),
    'target_refused',
    /host key/,
  ],
  [
    'an SSH server is asked with a community',
    'community',
    () => ssh('web-01.example.com'),
    'credential_unusable',
    /snmp_community/,
  ],
  [
    'a server does not take the certificate',
    'wrong certificate',
    () => tls(ports.trusted),
    'credential_refused',
    /client certificate/,
  ],
  [
    'a server is not to be trusted',
    'certificate',
    () => tls(ports.strange),
    'tls_failed',
    /not to be trusted/,
  ],
  [
    'the CA bundle of its limit is gone',
    'lost certificate',
    () => tls(ports.trusted),
    'credential_unusable',
    /CA bundle lost/,
  ],
  [
    'it is limited to a CA bundle and never sent over TLS',
    'limited community',
    () => snmp(agent.port),
    'outbound_denied',
    /never sent over TLS/,
  ],
  ['a server speaks no TLS', 'certificate', () => tls(agent.port), 'target_unreachable', /refused/],
  ['nobody listens', 'certificate', () => tls(ports.closed), 'target_unreachable', /refused/],
  [
    'a TLS server is asked with a password',
    'community',
    () => tls(ports.trusted),
    'credential_unusable',
    /snmp_community/,
  ],
  [
    'the agent does not know the user',
    'unknown user',
    () => snmp(agent.port),
    'credential_refused',
    /does not know the user/,
  ],
  ['the passphrase is wrong', 'wrong passphrase', () => snmp(agent.port), 'credential_refused', /passphrase/],
  [
    'an agent is asked with a certificate',
    'certificate',
    () => snmp(agent.port),
    'credential_unusable',
    /x509/,
  ],
  ['the policy does not open the agent', 'community', () => snmp(9), 'outbound_denied', /policy/],
  [
    'the authorisation server refuses the client',
    'wrong client',
    http,
    'credential_refused',
    /invalid_client/,
  ],
])('001.06 where %s the check says so', async (_, credential, what, code, message) => {
  const { status, body } = await check(credential, what())
  expect([status, body]).toEqual([
    200,
    { ok: false, latency_ms: expect.any(Number), code, message: expect.stringMatching(message) },
  ])
})

test('an agent that does not answer to a community may be away or refuse it, and the check says both', async () => {
  const { body } = await check('wrong community', snmp(agent.port))
  expect(body).toMatchObject({
    ok: false,
    code: 'target_timeout',
    message: expect.stringMatching(/community/),
  })
}, 15_000)

test('a token is asked for anew each time: one that was given earlier would prove nothing', async () => {
  const before = authorisation.asked.length
  await check('client', http())
  await check('client', http())
  expect(authorisation.asked.length).toBe(before + 2)
})

test.each([
  [{ kind: 'tls' }, 'body.check.host'],
  [{ kind: 'tls', host: 'a b' }, 'body.check.host'],
  [{ kind: 'snmp', host: 'a', port: 70_000 }, 'body.check.port'],
  [{ kind: 'ssh', host: 'a', command: 'id' }, 'body.check'],
])('the check %j is refused naming the field', async (what, path) => {
  const { status, body } = await check('certificate', what)
  expect([status, body.errors[0].path]).toEqual([422, path])
})
