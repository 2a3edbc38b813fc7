import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createTestCertificates, pebbleIsMissing } from '@opsconductor/test-peers'
import { fetchRenewalInfo } from '../../src/issuing/fetch-renewal-info.ts'
import { revokeVersion } from '../../src/issuing/revoke-version.ts'
import { createAccount, type Issuing, issue, keptOf, startIssuing, wishCertificate } from './support.ts'

const these = pebbleIsMissing() ? test.skip : test
const { signal } = new AbortController()
let issuing: Issuing
let acmeAccountId: string
beforeAll(async () => {
  if (pebbleIsMissing()) return
  const days = (count: number) => ({ validitySeconds: count * 86_400 })
  issuing = await startIssuing({
    profiles: { classic: days(90), tlsserver: days(45), shortlived: days(6) },
    alternateRoots: 1,
  })
  acmeAccountId = (await createAccount(issuing)).body.id
})
afterAll(() => issuing?.stop())

const keyOf = async (id: string) => {
  const { agent } = issuing
  const row = await agent.deps.certificates.findById(id)
  return keptOf(agent, row?.credentialId ?? '')?.secret.private_key
}

these.each([
  ['classic', 90],
  ['tlsserver', 45],
  ['shortlived', 6],
])('004.10 with the profile %s a certificate lasts %d days', async (profile, days) => {
  const names = [`${profile}.example.test`]
  const { stored } = await issue(issuing, await wishCertificate(issuing, { names, acmeAccountId, profile }))
  const lasts = (stored.notAfter.getTime() - stored.notBefore.getTime()) / 86_400_000
  expect(Math.round(lasts)).toBe(days)
})

these('004.10 a certificate that was brought along is issued with the key that it has', async () => {
  const { agent } = issuing
  const made = createTestCertificates(['brought.example.test'])
  const pem = `${made.server.key}${made.server.cert}${made.ca}`
  const { body } = await agent.call('POST', '/api/certificates/import', { name: 'brought', pem })
  const change = (fields: object) => agent.call('PUT', `/api/certificates/${body.id}`, fields)
  expect((await change({ rotate_key: false })).status).toBe(422)
  const taken = await change({ acme_account_id: acmeAccountId, rotate_key: false })
  expect([taken.status, taken.body.source]).toEqual([200, 'acme'])
  const { version, stored } = await issue(issuing, body.id)
  expect(version).toBe(2)
  const key = createPrivateKey(made.server.key)
  expect(new X509Certificate(stored.certificatePem).checkPrivateKey(key)).toBe(true)
  expect(new X509Certificate(stored.certificatePem).issuer).toContain('Pebble')
})

these('a key of a type that is not made here stays, or another type is said', async () => {
  const { agent } = issuing
  const wish = { names: ['other.example.test'], acmeAccountId, keyType: 'other', rotateKey: false }
  const id = await wishCertificate(issuing, wish)
  await expect(issue(issuing, id)).rejects.toMatchObject({ code: 'conflict' })
  const change = (fields: object) => agent.call('PUT', `/api/certificates/${id}`, fields)
  expect(await change({ rotate_key: true })).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'body.key_type' }] },
  })
  expect((await change({ rotate_key: true, key_type: 'ec-p384' })).status).toBe(200)
})

these('004.10 of several chains the one that the account prefers is taken, else the usual one', async () => {
  const { agent, pebble } = issuing
  const roots = await Promise.all([0, 1].map(async (index) => new X509Certificate(await pebble.root(index))))
  const commonNames = roots.map(({ subject }) => /^CN=(.*)$/m.exec(subject)?.[1])
  const rootOf = async (chain: string | null | undefined) => {
    const path = `/api/certificates/accounts/${acmeAccountId}`
    const { status, body } = await agent.call('PUT', path, { preferred_chain: chain })
    expect([status, body.preferred_chain]).toEqual([200, chain])
    const names = [`${randomUUID()}.example.test`]
    const { stored } = await issue(issuing, await wishCertificate(issuing, { names, acmeAccountId }))
    const last = new X509Certificate(
      stored.chainPem.match(/-----BEGIN.+?END CERTIFICATE-----/gs)?.at(-1) ?? '',
    )
    return roots.findIndex(({ publicKey }) => last.verify(publicKey))
  }
  expect(await rootOf(commonNames[1])).toBe(1)
  expect(await rootOf(commonNames[0])).toBe(0)
  expect(await rootOf('nobody')).toBe(0)
  expect(await rootOf(null)).toBe(0)
})

these('a profile that the CA does not have is refused by its name', async () => {
  const wish = { names: ['none.example.test'], acmeAccountId, profile: 'none' }
  await expect(issue(issuing, await wishCertificate(issuing, wish))).rejects.toMatchObject({
    code: 'target_refused',
    message: expect.stringContaining('invalidProfile'),
  })
})

these.each([
  [true, 'another'],
  [false, 'the same'],
])('004.15 a renewal with rotate_key %p has %s key', async (rotateKey) => {
  const { agent } = issuing
  const names = [`rotate-${rotateKey}.example.test`]
  const id = await wishCertificate(issuing, { names, acmeAccountId, rotateKey })
  const first = await issue(issuing, id)
  const before = await keyOf(id)
  const second = await issue(issuing, id)
  expect(second.version).toBe(2)
  expect(second.stored.serial).not.toBe(first.stored.serial)
  expect((await keyOf(id)) === before).toBe(!rotateKey)
  expect(keptOf(agent, id)?.version).toBe(2)
})

these('004.15 the window in which the CA would have it renewed is heard of, whatever it is', async () => {
  const { agent, pebble } = issuing
  const names = ['ari.example.test']
  const id = await wishCertificate(issuing, { names, acmeAccountId, profile: 'shortlived' })
  expect(await fetchRenewalInfo(agent.deps, { certificateId: id, signal })).toBeUndefined()
  const { stored } = await issue(issuing, id)
  const usual = await fetchRenewalInfo(agent.deps, { certificateId: id, signal })
  expect(usual?.start.getTime()).toBeGreaterThan(stored.notBefore.getTime())
  expect(usual?.end.getTime()).toBeLessThanOrEqual(stored.notAfter.getTime())
  const window = { start: '2020-01-01T00:00:00Z', end: '2020-01-02T00:00:00Z' }
  const explanationURL = 'https://ca.example.test/incident'
  await pebble.setRenewalInfo(stored.certificatePem, { suggestedWindow: window, explanationURL })
  const forced = await fetchRenewalInfo(agent.deps, { certificateId: id, signal })
  expect(forced).toMatchObject({
    start: new Date(window.start),
    end: new Date(window.end),
    explanationUrl: explanationURL,
  })
  expect(forced?.askAgainAt.getTime()).toBeGreaterThan(Date.now())
  const backwards = { start: window.end, end: window.start }
  await pebble.setRenewalInfo(stored.certificatePem, { suggestedWindow: backwards })
  expect(await fetchRenewalInfo(agent.deps, { certificateId: id, signal })).toBeUndefined()
  await pebble.setRenewalInfo(stored.certificatePem, { suggestedWindow: { start: 'soon', end: 'later' } })
  await expect(fetchRenewalInfo(agent.deps, { certificateId: id, signal })).rejects.toMatchObject({
    code: 'target_failed',
  })
})

these('004.10 a version is revoked at the CA; to do it again is no fault', async () => {
  const { agent, pebble } = issuing
  const id = await wishCertificate(issuing, { names: ['revoked.example.test'], acmeAccountId })
  const { stored, version, operationId } = await issue(issuing, id)
  expect(await pebble.statusOf(stored.serial)).toBe('Valid')
  const revoke = () =>
    revokeVersion(agent.deps, {
      ...{ operationId, certificateId: id, version, actor: 'test', reason: 'key-compromise', signal },
    })
  await revoke()
  expect(await pebble.statusOf(stored.serial)).toBe('Revoked')
  await revoke()
  expect(await agent.deps.certificates.findVersion(id, version)).toMatchObject({ revocationReason: 1 })
})
