import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { createTestCertificates, type PeerAnswer } from '@opsconductor/test-peers'
import { cloudflare } from '../../src/dns-providers/cloudflare.ts'
import { type Outside, startOutside } from '../support/outside.ts'
import { useProvider } from '../support/provider-tools.ts'
import { startCloudflarePeer } from './cloudflare-peer.ts'

const token = 'cloudflare-token-0123456789'
let outside: Outside
let peer: Awaited<ReturnType<typeof startCloudflarePeer>>
beforeAll(async () => {
  const certificates = createTestCertificates()
  ;[outside, peer] = await Promise.all([
    startOutside(),
    startCloudflarePeer(certificates, token, ['example.test', 'inner.example.test']),
  ])
  outside.executor.open(peer.port)
  outside.broker.caBundles.push(certificates.ca)
})
afterAll(async () => {
  await Promise.all([outside?.stop(), peer?.close()])
})
afterEach(() => {
  peer.instead.answer = undefined
})

const provider = (settings: Record<string, unknown> = {}, secret = token) =>
  useProvider(outside, {
    provider: cloudflare,
    settings: { base_url: peer.url, ...settings },
    credential: { type: 'bearer_token', secret: { token: secret } },
  })

test('004.10 values of one name are written, each as often as it is asked for, and only ours is taken away', async () => {
  const fqdn = '_acme-challenge.example.test'
  const { present, remove } = provider()
  await Promise.all(['one', 'two', 'two'].map((value) => present({ fqdn, value })))
  expect(peer.valuesOf(fqdn)).toEqual(['"one"', '"two"'])
  await remove({ fqdn, value: 'one' })
  await remove({ fqdn, value: 'one' })
  expect(peer.valuesOf(fqdn)).toEqual(['"two"'])
})

test('the innermost zone that holds the name is written to', async () => {
  await provider().present({ fqdn: '_acme-challenge.a.inner.example.test', value: 'v' })
  expect(peer.valuesOf('_acme-challenge.a.inner.example.test')).toEqual(['"v"'])
  await expect(provider().present({ fqdn: '_acme-challenge.other.test', value: 'v' })).rejects.toThrow(
    'has no zone',
  )
  const limited = provider({ zones: ['inner.example.test'] })
  await expect(limited.present({ fqdn: '_acme-challenge.example.test', value: 'v' })).rejects.toThrow(
    'has no zone',
  )
})

test('a token that is refused is in no error, though the answer quotes it', async () => {
  const failed = await provider({}, 'wrong-token-0123456789')
    .present({ fqdn: 'a.example.test', value: 'v' })
    .catch((error: unknown) => error)
  expect(failed).toMatchObject({
    code: 'target_refused',
    message: 'Cloudflare refused the credential (403, code 9109).',
  })
  expect(JSON.stringify([failed, (failed as Error).cause, (failed as Error).stack])).not.toContain(
    'wrong-token',
  )
})

const other = { id: 'a'.repeat(32), name: 'other.test' }
test.each<[string, PeerAnswer, Record<string, unknown>]>([
  [
    'another zone',
    { status: 200, body: { success: true, errors: [], result: [other] } },
    { code: 'target_refused' },
  ],
  [
    'an id that is a path',
    { status: 200, body: { success: true, errors: [], result: [{ id: '../../x', name: 'a.example.test' }] } },
    { code: 'target_refused' },
  ],
  ['no JSON', { status: 200, body: '<html>' }, { code: 'target_refused' }],
  ['more than a megabyte', { status: 200, body: 'x'.repeat(1_100_000) }, { code: 'target_answer_too_large' }],
  [
    'that it limits requests',
    { status: 429, headers: { 'retry-after': '7' }, body: '' },
    { code: 'target_failed', retryAfterSeconds: 7 },
  ],
  ['a fault of its own', { status: 502, body: 'x' }, { code: 'target_failed' }],
  [
    'a redirect',
    { status: 302, headers: { location: 'https://elsewhere.test/' } },
    { code: 'target_refused' },
  ],
])('where %s is answered, that is an error in words', async (_what, answer, expected) => {
  peer.instead.answer = () => answer
  await expect(provider().present({ fqdn: 'a.example.test', value: 'v' })).rejects.toMatchObject(expected)
})
