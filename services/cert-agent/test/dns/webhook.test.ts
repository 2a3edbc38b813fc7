import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { createTestCertificates, startJsonServer } from '@opsconductor/test-peers'
import { verifyWebhook } from '@opsconductor/webhook-signatures'
import { webhook } from '../../src/dns-providers/webhook.ts'
import { type Outside, startOutside } from '../support/outside.ts'
import { useProvider } from '../support/provider-tools.ts'

const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`
const status = { next: 204 }
let outside: Outside
let peer: Awaited<ReturnType<typeof startJsonServer>>
beforeAll(async () => {
  const certificates = createTestCertificates()
  ;[outside, peer] = await Promise.all([
    startOutside(),
    startJsonServer({ tls: certificates.server, answer: () => ({ status: status.next }) }),
  ])
  outside.executor.open(peer.port)
  outside.broker.caBundles.push(certificates.ca)
})
afterAll(async () => {
  await Promise.all([outside?.stop(), peer?.close()])
})
beforeEach(() => {
  status.next = 204
})

const provider = (signingSecret = secret) =>
  useProvider(outside, {
    provider: webhook,
    settings: { url: `https://127.0.0.1:${peer.port}/dns` },
    credential: { type: 'webhook_secret', secret: { secret: signingSecret } },
  })

test('004.10 a program is told of each record, signed, and each time under another id', async () => {
  const record = { fqdn: '_acme-challenge.example.test', value: 'v' }
  await provider().present(record)
  await provider().remove(record)
  const told = peer.requests.slice(-2)
  expect(told.map(({ method, path, body }) => [method, path, JSON.parse(body)])).toEqual([
    ['POST', '/dns', { action: 'present', ...record }],
    ['POST', '/dns', { action: 'remove', ...record }],
  ])
  expect(new Set(told.map(({ headers }) => headers['webhook-id'])).size).toBe(2)
  for (const { headers, body } of told)
    expect(
      verifyWebhook({ style: 'standard', secrets: [secret], headers, body, now: new Date() }),
    ).toMatchObject({
      valid: true,
    })
})

test.each([
  [500, 'target_failed', 'The DNS webhook failed (500).'],
  [400, 'target_refused', 'The DNS webhook refused the record (400).'],
  [302, 'target_refused', 'The DNS webhook refused the record (302).'],
])('an answer of %i is an error in words', async (answered, code, message) => {
  status.next = answered
  const failed = provider().present({ fqdn: 'a.example.test', value: 'v' })
  await expect(failed).rejects.toMatchObject({ code, message })
})

test('a secret that is too short to sign with is an error that does not quote it', async () => {
  const failed = provider('short').present({ fqdn: 'a.example.test', value: 'v' })
  await expect(failed).rejects.toMatchObject({
    code: 'step_failed',
    message: 'The credential holds no signing secret of at least 16 characters.',
  })
})
