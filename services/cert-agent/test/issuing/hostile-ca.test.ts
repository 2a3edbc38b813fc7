import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { renewalIdOf } from '../../src/acme/renewal-info.ts'
import { type AgentWithCa, startAgentWithCa } from './agent-with-ca.ts'
import { type FakeCa, signRequest, startFakeCa } from './fake-ca.ts'
import { issue, wishCertificate } from './support.ts'

let started: AgentWithCa
let ca: FakeCa
let agent: AgentWithCa['agent']
let acmeAccountId: string
beforeAll(async () => {
  started = await startAgentWithCa()
  ;({ ca, agent, acmeAccountId } = started)
})
afterEach(() => ca.behave())
afterAll(async () => {
  await started?.stop()
})

let accounts = 0
const register = (directory_url: string) =>
  agent.call('POST', '/api/certificates/accounts', {
    name: `account-${++accounts}`,
    directory_url,
    terms_of_service_agreed: true,
  })
const wish = (names = ['a.example.test']) => wishCertificate({ agent }, { names, acmeAccountId })
const outcome = async (id: string) => {
  const error = await issue({ agent }, id).then(
    () => undefined,
    (reason) => reason,
  )
  return { code: error?.code, message: error?.message as string, retryable: error?.retryable }
}

test('a CA that plays by the rules is believed', async () => {
  expect(await issue({ agent }, await wish())).toMatchObject({ version: 1 })
})

test.each<[string, (ca: FakeCa) => unknown, string, RegExp]>([
  [
    'a directory without end',
    (it) => it.misbehave('/dir', () => ({ status: 200, body: { newNonce: 'x'.repeat(600_000) } })),
    'target_answer_too_large',
    /more than 524288 bytes/,
  ],
  [
    'a page instead of a directory',
    (it) =>
      it.misbehave('/dir', () => ({ status: 200, body: '<html>', headers: { 'content-type': 'text/html' } })),
    'target_failed',
    /not ACME/,
  ],
  [
    'JSON that is none',
    (it) =>
      it.misbehave('/order', () => ({
        status: 201,
        body: '{"secret":',
        headers: { 'content-type': 'application/json' },
      })),
    'target_failed',
    /not ACME/,
  ],
  [
    'an order without URLs',
    (it) =>
      it.misbehave('/order', () => ({
        status: 201,
        headers: { location: it.url('/order/1') },
        body: { status: 'ready' },
      })),
    'target_failed',
    /not ACME/,
  ],
  [
    'a redirect to elsewhere',
    (it) => it.misbehave('/dir', () => ({ status: 302, headers: { location: it.url('/elsewhere') } })),
    'target_refused',
    /a redirect, which is not followed/,
  ],
  [
    'an order that leads inward',
    (it) =>
      it.misbehave('/order', () => ({
        status: 201,
        headers: { location: it.url('/order/1') },
        body: { ...it.order('ready'), finalize: 'https://127.0.0.1:22/' },
      })),
    'outbound_denied',
    /does not allow connections to port 22/,
  ],
  [
    'an order over plain HTTP',
    (it) =>
      it.misbehave('/order', () => ({
        status: 201,
        headers: { location: it.url('/order/1') },
        body: { ...it.order('ready'), finalize: `http://127.0.0.1:${it.port}/finalize` },
      })),
    'outbound_denied',
    /Only https/,
  ],
  [
    'a certificate for another key',
    (it) => it.issue(() => it.stranger.cert),
    'target_refused',
    /The private key belongs to none of the certificates/,
  ],
  [
    'a certificate for other names',
    (it) => it.issue((csr) => signRequest(csr, ['DNS:b.example.test'])),
    'target_refused',
    /it is not for a\.example\.test/,
  ],
  [
    'a private key among the certificates',
    (it) => it.issue((csr) => signRequest(csr) + it.stranger.key),
    'target_refused',
    /there is a private key in it/,
  ],
  ['no certificate', (it) => it.issue(() => 'nothing'), 'target_refused', /no PEM block/],
  ['bad nonces without end', (it) => it.misbehave('/order', badNonce), 'target_failed', /badNonce/],
  [
    'an order that becomes invalid',
    (it) =>
      it.misbehave('/finalize', () => ({
        status: 200,
        body: { ...it.order('invalid'), error: { type: 'urn:ietf:params:acme:error:badCSR', detail: 'no' } },
      })),
    'target_refused',
    /refused \(badCSR\): no/,
  ],
])('of a CA that answers %s nothing is kept, and it is said clearly', async (_, misbehave, code, message) => {
  const id = await wish()
  misbehave(ca)
  expect(await outcome(id)).toMatchObject({ code, message: expect.stringMatching(message) })
  expect(await agent.deps.certificates.findById(id)).toMatchObject({ version: 0, credentialId: null })
  expect(ca.requests.some(({ path }) => path === '/elsewhere')).toBe(false)
})

const badNonce = () => ({
  status: 400,
  headers: { 'content-type': 'application/problem+json' },
  body: { type: 'urn:ietf:params:acme:error:badNonce', detail: 'again' },
})

const authorization = (it: FakeCa, value: string, token: string) => {
  it.misbehave('/order', () => ({
    status: 201,
    headers: { location: it.url('/order/1') },
    body: { ...it.order('pending'), authorizations: [it.url('/authorization')] },
  }))
  it.misbehave('/authorization', () => ({
    status: 200,
    body: {
      status: 'pending',
      identifier: { type: 'dns', value },
      challenges: [{ type: 'http-01', url: it.url('/challenge'), status: 'pending', token }],
    },
  }))
}

test.each([
  ['a name that was not asked for', 'victim.example.test', 'a'.repeat(43), /was not asked for/],
  ['a token that would be a path', 'a.example.test', '../../../etc/nginx/nginx.conf', /cannot be answered/],
])('a challenge for %s is not answered', async (_, name, token, message) => {
  authorization(ca, name, token)
  expect((await outcome(await wish())).message).toMatch(message)
  const { rows } = await agent.owner.query('SELECT * FROM cert_agent.http_challenges')
  expect(rows).toEqual([])
})

test("the CA's words are cut and cleaned of what could forge a line", async () => {
  ca.misbehave('/order', () => ({
    status: 403,
    headers: { 'content-type': 'application/problem+json' },
    body: { type: 'urn:ietf:params:acme:error:caa', detail: `no\r\n\u001b[2J\u202e${'x'.repeat(5_000)}` },
  }))
  const { message } = await outcome(await wish())
  expect(message).toMatch(/^The certificate authority refused \(caa\): no \[2J x+$/)
  expect(message.length).toBeLessThan(500)
})

test.each([
  [120, 120],
  // Such a limit is of some names: the account's other certificates are not held up for so long.
  [86_400, 900],
])('a CA that sets a limit for %d s is not asked again by the account for %d s', async (asked, blocked) => {
  const { body } = await register(ca.directoryUrl)
  const id = await wishCertificate({ agent }, { names: ['a.example.test'], acmeAccountId: body.id })
  ca.misbehave('/order', () => ({
    status: 429,
    headers: { 'content-type': 'application/problem+json', 'retry-after': String(asked) },
    body: { type: 'urn:ietf:params:acme:error:rateLimited', detail: 'too many certificates' },
  }))
  await expect(issue({ agent }, id)).rejects.toMatchObject({
    ...{ code: 'too_many_requests', retryable: true, retryAfterSeconds: asked },
  })
  const requests = ca.requests.length
  expect(await outcome(id)).toMatchObject({
    code: 'too_many_requests',
    message: expect.stringContaining('asked not to be asked again before'),
  })
  expect(ca.requests.length).toBe(requests)
  const account = await agent.call('GET', `/api/certificates/accounts/${body.id}`)
  const seconds = (Date.parse(account.body.blocked_until) - Date.now()) / 1_000
  expect(seconds).toBeGreaterThan(blocked - 60)
  expect(seconds).toBeLessThanOrEqual(blocked)
})

test('what a CA issued and cannot be used is not taken up again, though its key stays the same', async () => {
  const id = await wishCertificate({ agent }, { names: ['a.example.test'], acmeAccountId, rotateKey: false })
  await issue({ agent }, id)
  ca.issue((csr) => signRequest(csr, ['DNS:b.example.test']))
  expect(await outcome(id)).toMatchObject({ code: 'target_refused' })
  const from = ca.requests.length
  expect(await outcome(id)).toMatchObject({ code: 'target_refused' })
  expect(ca.requests.slice(from).filter(({ path }) => path === '/order')).toHaveLength(1)
})

test('a CA that takes the request and loses its answer has issued nothing in vain', async () => {
  const id = await wish()
  const from = ca.requests.length
  ca.misbehave('/finalize', (_request, _payload, asItShould) => {
    asItShould()
    return { status: 503, body: '' }
  })
  expect(await issue({ agent }, id)).toMatchObject({ version: 1 })
  expect(ca.requests.slice(from).filter(({ path }) => path === '/finalize')).toHaveLength(1)
})

test('an order that takes its time is not asked for before the CA said so', async () => {
  const id = await wish()
  const asked: number[] = []
  const processing = (path: string, retryAfter: Record<string, string> = {}) =>
    ca.misbehave(path, (_request, _payload, asItShould) => {
      asked.push(performance.now())
      const { body, ...answer } = asItShould()
      return asked.length === 1
        ? { ...answer, headers: { ...answer.headers, ...retryAfter }, body: ca.order('processing') }
        : { ...answer, body }
    })
  processing('/finalize', { 'retry-after': '1' })
  processing('/order/1')
  expect(await issue({ agent }, id)).toMatchObject({ version: 1 })
  const [finalized = 0, looked = 0] = asked
  expect(looked - finalized).toBeGreaterThan(990)
})

const pendingWithChallenge = (status: string, challengeStatus: string) => ({
  status,
  identifier: { type: 'dns', value: 'a.example.test' },
  challenges: [
    { type: 'http-01', url: ca.url('/challenge/1'), status: challengeStatus, token: 'a'.repeat(22) },
  ],
})

test.each([
  ['judges', 'pending', 1],
  ['has judged', 'processing', 0],
])('a challenge that the CA %s already needs no answer of ours', async (_, challengeStatus, answers) => {
  const id = await wish()
  const from = ca.requests.length
  ca.misbehave('/order', (_request, _payload, asItShould) => {
    const { headers = {} } = asItShould()
    const body = { ...ca.order('pending'), authorizations: [ca.url('/authorization/1')] }
    return { status: 201, headers, body }
  })
  let looks = 0
  ca.misbehave('/authorization/1', () => ({
    status: 200,
    body: pendingWithChallenge(++looks === 1 ? 'pending' : 'valid', challengeStatus),
  }))
  ca.misbehave('/challenge/1', () => ({
    status: 400,
    headers: { 'content-type': 'application/problem+json' },
    body: { type: 'urn:ietf:params:acme:error:malformed', detail: 'it is not pending' },
  }))
  expect(await issue({ agent }, id)).toMatchObject({ version: 1 })
  expect(ca.requests.slice(from).filter(({ path }) => path === '/challenge/1')).toHaveLength(answers)
})

test('the nonce that comes with an answer is used for the next request', async () => {
  const from = ca.requests.length
  await issue({ agent }, await wish())
  const paths = ca.requests.slice(from).map(({ path }) => path)
  expect(paths).toEqual(['/dir', '/nonce', '/order', '/finalize', '/certificate'])
})

test('an address is asked for and found in the certificate however it is written', async () => {
  ca.issue((csr) => signRequest(csr, ['IP:2001:db8::1']))
  const { stored } = await issue({ agent }, await wish(['2001:DB8:0:0::1']))
  expect(stored.names).toEqual(['2001:db8::1'])
})

test.each([
  ['keeps silent', '/order', () => new Promise<never>(() => {})],
  ['is never done', '/finalize', () => ({ status: 200, body: ca.order('processing') })],
])('work with a CA that %s ends at once when it is cancelled', async (_, path, misdeed) => {
  const id = await wish()
  const cancelled = new AbortController()
  const asked = new Promise<void>((resolve) => {
    ca.misbehave(path, () => {
      resolve()
      return misdeed()
    })
    ca.misbehave('/order/1', () => ({ status: 200, body: ca.order('processing') }))
  })
  const working = issue({ agent }, id, cancelled.signal)
  void asked.then(() => cancelled.abort(new Error('cancelled')))
  await expect(working).rejects.toThrow('cancelled')
})

test('004.15 a renewal says what it takes the place of; a CA that does not like that gets an order without', async () => {
  const asked: unknown[] = []
  ca.misbehave('/order', (_, payload) => {
    asked.push(payload.replaces)
    return payload.replaces === undefined ? undefined : alreadyReplaced
  })
  const id = await wish()
  const { stored } = await issue({ agent }, id)
  expect(await issue({ agent }, id)).toMatchObject({ version: 2 })
  const replaced = renewalIdOf(stored.certificatePem)
  expect(replaced).toMatch(/^[\w-]{27}\.[\w-]+$/)
  expect(asked).toEqual([undefined, replaced, undefined])
})

test('004.15 to a CA that has a problem of any kind with what is replaced it is not said again', async () => {
  ca.misbehave('/order', (_, payload) =>
    payload.replaces === undefined
      ? undefined
      : { ...alreadyReplaced, status: 500, body: { type: 'urn:ietf:params:acme:error:serverInternal' } },
  )
  const id = await wish()
  await issue({ agent }, id)
  expect(await issue({ agent }, id)).toMatchObject({ version: 2 })
})

test.each([true, false])(
  '004.10 a key that somebody deleted at the broker is followed by another under another id',
  async (rotateKey) => {
    const id = await wishCertificate({ agent }, { names: ['a.example.test'], acmeAccountId, rotateKey })
    await issue({ agent }, id)
    agent.broker.deleted.add(id)
    expect(await issue({ agent }, id)).toMatchObject({ version: 2 })
    const row = await agent.deps.certificates.findById(id)
    expect(row?.credentialId).not.toBe(id)
    expect(agent.broker.credentials.find((one) => one.id === row?.credentialId)?.version).toBe(1)
  },
)

const alreadyReplaced = {
  status: 409,
  headers: { 'content-type': 'application/problem+json' },
  body: { type: 'urn:ietf:params:acme:error:alreadyReplaced', detail: 'it is' },
}

test.each([
  ['https://169.254.169.254/dir', 403, 'outbound_denied'],
  ['https://127.0.0.1:1/dir', 403, 'outbound_denied'],
  ['http://ca.example.test/dir', 422, 'validation_failed'],
  ['https://user:secret@ca.example.test/dir', 422, 'validation_failed'],
  ['file:///etc/passwd', 422, 'validation_failed'],
])('no account is registered at %s', async (directoryUrl, status, code) => {
  const answer = await register(directoryUrl)
  expect([answer.status, answer.body.code]).toEqual([status, code])
  expect(JSON.stringify(answer.body)).not.toContain('secret')
})

test('a CA with a certificate of an unknown authority is not spoken to', async () => {
  const other = await startFakeCa()
  agent.executor.open(other.port)
  const { status, body } = await register(other.directoryUrl)
  expect([status, body.code, body.detail]).toEqual([
    502,
    'target_unreachable',
    expect.stringContaining('its certificate is not trusted'),
  ])
  expect(other.requests).toEqual([])
  await other.close()
})
