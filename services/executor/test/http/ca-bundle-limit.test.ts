import type { IncomingMessage, RequestListener, Server } from 'node:http'
import { createServer } from 'node:https'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { certificatesToPem, keyToPem } from '../../../../packages/x509/src/index.ts'
import { type Identity, makeCertificate } from '../../../../packages/x509/test/make-certificate.ts'
import { sendJson, startTarget } from '../support/target-server.ts'
import { createStepRunner, lent, opened, type RunOptions } from './step-runner.ts'

const pemOf = ({ certificate }: Identity) => certificatesToPem([certificate])
const one = makeCertificate('one authority', { ca: true })
const two = makeCertificate('another authority', { ca: true })
const caBundles = [pemOf(one), pemOf(two)]

interface Site {
  server: Server
  port: number
  url: string
  received: { url: string; authorization: string | undefined }[]
}

async function startSite(issuer: Identity): Promise<Site> {
  const identity = makeCertificate('localhost', { issuer, dns: ['localhost'] })
  const received: Site['received'] = []
  const answer: RequestListener = ({ url = '', headers }: IncomingMessage, response) => {
    received.push({ url, authorization: headers.authorization })
    const to = new URL(url, 'https://x').searchParams.get('to')
    if (to !== null) response.writeHead(302, { location: to }).end()
    else sendJson(response, { access_token: 'an-access-token', token_type: 'bearer', expires_in: 600 })
  }
  const server = createServer({ key: keyToPem(identity.key), cert: pemOf(identity) }, answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return { server, port, url: `https://localhost:${port}/`, received }
}

let oneSite: Site
let twoSite: Site
let plain: Awaited<ReturnType<typeof startTarget>>
let runner: ReturnType<typeof createStepRunner>

beforeAll(async () => {
  ;[oneSite, twoSite, plain] = await Promise.all([
    startSite(one),
    startSite(two),
    startTarget((received, response) => sendJson(response, received)),
  ])
  runner = createStepRunner({ policy: opened(oneSite.port, twoSite.port, plain.port), caBundles })
})
afterAll(async () => {
  await runner?.close()
  for (const { server } of [oneSite, twoSite]) {
    server.closeAllConnections()
    server.close()
  }
  await plain?.close()
})

const token = lent(
  'bearer_token',
  { token: 'a-secret-token' },
  {},
  { authorization: 'Bearer a-secret-token' },
)
const limitedTo = (...limitsCaBundles: string[][]): RunOptions => ({ credential: token, limitsCaBundles })
const untrusted = {
  code: 'target_unreachable',
  message: 'The target could not be reached: its certificate is not trusted.',
}

test('000.06 a credential limited to a CA bundle goes to servers under it, and to no other that the project trusts', async () => {
  const { status } = await runner.run('http.get', { url: oneSite.url }, limitedTo(['bundle 0']))
  expect([status, oneSite.received.at(-1)?.authorization]).toEqual([200, 'Bearer a-secret-token'])
  await runner.run('http.get', { url: twoSite.url }, limitedTo(['bundle 0', 'bundle 1']))
  const before = twoSite.received.length
  expect(await runner.failure('http.get', { url: twoSite.url }, limitedTo(['bundle 0']))).toMatchObject(
    untrusted,
  )
  expect(twoSite.received).toHaveLength(before)
})

test('000.06 a connection that was made under other authorities does not carry it', async () => {
  await runner.run('http.get', { url: oneSite.url }, { credential: token })
  expect(await runner.failure('http.get', { url: oneSite.url }, limitedTo(['bundle 1']))).toMatchObject(
    untrusted,
  )
})

test('000.06 the public authorities do not count', async () => {
  const usual = getCACertificates('default')
  setDefaultCACertificates([...usual, pemOf(one)])
  try {
    const known = { caBundles: [pemOf(two)] }
    const unlimited = createStepRunner({ policy: opened(oneSite.port), ...known })
    expect((await unlimited.run('http.get', { url: oneSite.url })).status).toBe(200)
    const limited = { ...known, ...limitedTo(['bundle 0']) }
    expect(await unlimited.failure('http.get', { url: oneSite.url }, limited)).toMatchObject(untrusted)
    await unlimited.close()
  } finally {
    setDefaultCACertificates(usual)
  }
})

test.each<[string, () => Record<string, unknown>, string[][], string, RegExp]>([
  ['plain text', () => ({ url: plain.url }), [['bundle 0']], 'outbound_denied', /TLS only.*plain text/],
  [
    'whoever shows a certificate',
    () => ({ url: oneSite.url, tls: { verify: false } }),
    [['bundle 0']],
    'outbound_denied',
    /must not go unverified/,
  ],
  [
    'a server where a bundle of the limit is gone',
    () => ({ url: oneSite.url }),
    [['bundle 0', 'lost']],
    'step_failed',
    /CA bundle lost, which the project does not have/,
  ],
  [
    'a server where the client certificate is limited to another bundle',
    () => ({ url: oneSite.url }),
    [['bundle 0'], ['bundle 1']],
    'outbound_denied',
    /names other bundles/,
  ],
])('000.06 such a credential does not go to %s', async (_, input, limits, code, message) => {
  const before = [oneSite.received.length, plain.received.length]
  const failure = await runner.failure('http.get', input(), limitedTo(...limits))
  expect(failure).toMatchObject({ code, message: expect.stringMatching(message) })
  expect([oneSite.received.length, plain.received.length]).toEqual(before)
})

test('where two credentials are limited, only what both name counts', async () => {
  const both = limitedTo(['bundle 0', 'bundle 1'], ['bundle 0'])
  expect((await runner.run('http.get', { url: oneSite.url }, both)).status).toBe(200)
  expect(await runner.failure('http.get', { url: twoSite.url }, both)).toMatchObject(untrusted)
})

test('a redirect that carries the credential is under its limit; one that carries nothing is under what the project trusts', async () => {
  const follow = (to: string) =>
    runner.run('http.get', { url: oneSite.url, query: { to }, redirects_max: 1 }, limitedTo(['bundle 0']))
  await follow('/same')
  expect(oneSite.received.at(-1)).toEqual({ url: '/same', authorization: 'Bearer a-secret-token' })
  await follow(`${twoSite.url}elsewhere`)
  expect(twoSite.received.at(-1)).toEqual({ url: '/elsewhere', authorization: undefined })
})

test('000.06 a token is asked for under the limit, and used under it', async () => {
  const client = (tokenUrl: string) =>
    lent(
      'oauth2_client',
      { client_secret: 'the-client-secret' },
      { client_id: 'c', token_url: tokenUrl, auth_style: 'basic' },
    )
  const ask = (tokenSite: Site, target: Site) => ({
    input: { url: target.url },
    options: { credential: client(`${tokenSite.url}token`), limitsCaBundles: [['bundle 0']] },
  })
  const good = ask(oneSite, oneSite)
  await runner.run('http.get', good.input, good.options)
  expect(oneSite.received.at(-1)?.authorization).toBe('Bearer an-access-token')
  const before = twoSite.received.length
  for (const { input, options } of [ask(twoSite, oneSite), ask(oneSite, twoSite)])
    expect(await runner.failure('http.get', input, options)).toMatchObject(untrusted)
  expect(twoSite.received).toHaveLength(before)
})
