import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createTestCertificates,
  type PeerAnswer,
  type PeerRequest,
  startJsonServer,
} from '@opsconductor/test-peers'

/** What the CA answers at a path instead of what it should, which `asItShould` does; undefined: just that. */
export type Misdeed = (
  request: PeerRequest,
  payload: Record<string, unknown>,
  asItShould: () => PeerAnswer,
) => PeerAnswer | undefined | Promise<PeerAnswer>

/** A CA that is on nobody's side: it takes every order as ready and issues whatever `issues` makes of a request. */
export async function startFakeCa() {
  const certificates = createTestCertificates()
  const misdeeds = new Map<string, Misdeed>()
  let issues = (csrPem: string): string => signRequest(csrPem)
  let csr = ''
  let status = 'ready'
  const at = (path: string) => `https://127.0.0.1:${server.port}${path}`
  const order = (given = status) => ({
    status: given,
    identifiers: [{ type: 'dns', value: 'a.example.test' }],
    authorizations: [] as string[],
    finalize: at('/finalize'),
    ...(given === 'valid' ? { certificate: at('/certificate') } : {}),
  })
  const proper: Record<string, (payload: Record<string, unknown>) => PeerAnswer> = {
    '/dir': () => ({
      status: 200,
      body: {
        newNonce: at('/nonce'),
        newAccount: at('/account'),
        newOrder: at('/order'),
        revokeCert: at('/revoke'),
        renewalInfo: at('/renewal-info'),
      },
    }),
    '/nonce': () => ({ status: 200 }),
    '/account': () => ({ status: 201, headers: { location: at('/account/1') }, body: { status: 'valid' } }),
    '/account/1': () => ({ status: 200, body: { status: 'valid' } }),
    '/order': () => {
      status = 'ready'
      return { status: 201, headers: { location: at('/order/1') }, body: order() }
    },
    '/order/1': () => ({ status: 200, body: order() }),
    '/finalize': (payload) => {
      csr = String(payload.csr)
      status = 'valid'
      return { status: 200, headers: { location: at('/order/1') }, body: order() }
    },
    '/certificate': () => ({
      status: 200,
      headers: { 'content-type': 'application/pem-certificate-chain' },
      body: issues(toPem('CERTIFICATE REQUEST', csr)),
    }),
  }
  const server = await startJsonServer({
    tls: { key: certificates.server.key, cert: certificates.server.cert },
    async answer(request) {
      const payload = payloadOf(request.body)
      const asItShould = () => proper[request.path]?.(payload) ?? { status: 404, body: {} }
      const answer = await misdeeds.get(request.path)?.(request, payload, asItShould)
      const { headers = {}, ...rest } = answer ?? asItShould()
      return {
        ...rest,
        headers: { 'replay-nonce': Buffer.from(String(Math.random())).toString('base64url'), ...headers },
      }
    },
  })
  return {
    port: server.port,
    ca: certificates.ca,
    /** Of somebody else: a key, and a certificate for it. */
    stranger: certificates.server,
    directoryUrl: at('/dir'),
    url: at,
    order,
    requests: server.requests,
    misbehave: (path: string, misdeed: Misdeed) => misdeeds.set(path, misdeed),
    issue(make: (csrPem: string) => string) {
      issues = make
    },
    behave() {
      misdeeds.clear()
      status = 'ready'
      issues = (csrPem) => signRequest(csrPem)
    },
    close: server.close,
  }
}

export type FakeCa = Awaited<ReturnType<typeof startFakeCa>>

function payloadOf(body: string): Record<string, unknown> {
  if (body === '') return {}
  const { payload } = JSON.parse(body) as { payload: string }
  return payload === '' ? {} : JSON.parse(Buffer.from(payload, 'base64url').toString())
}

const toPem = (label: string, base64url: string): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(base64url, 'base64url').toString('base64')}\n-----END ${label}-----\n`

interface Issuer {
  key: string
  cert: string
}
let issuer: Issuer | undefined

function makeIssuer(): Issuer {
  const text = execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-days', '1', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
      ...['-nodes', '-keyout', '-', '-subj', '/CN=fake CA'],
    ],
    { encoding: 'utf8', stdio: 'pipe' },
  )
  const [key = '', cert = ''] = text.match(/-----BEGIN (.+?)-----.+?-----END \1-----\n/gs) ?? []
  return { key, cert }
}

/** A certificate of a day for the request's key, under a root of its own that comes with it. */
export function signRequest(csrPem: string, names = ['DNS:a.example.test']): string {
  issuer ??= makeIssuer()
  const directory = mkdtempSync(join(tmpdir(), 'fake-ca-'))
  const file = (name: string, text: string) => writeFileSync(join(directory, name), text)
  try {
    file('csr', csrPem)
    file('ca.key', issuer.key)
    file('ca.crt', issuer.cert)
    file('extensions', `subjectAltName=${names.join(',')}\nauthorityKeyIdentifier=keyid\n`)
    const serial = `0x${randomBytes(16).toString('hex')}`
    const certificate = execFileSync(
      'openssl',
      [
        ...['x509', '-req', '-days', '1', '-in', 'csr', '-CA', 'ca.crt', '-CAkey', 'ca.key'],
        ...['-set_serial', serial, '-extfile', 'extensions'],
      ],
      { cwd: directory, encoding: 'utf8', stdio: 'pipe' },
    )
    return certificate + issuer.cert
  } finally {
    rmSync(directory, { recursive: true })
  }
}
