import { createPrivateKey, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { pebbleIsMissing } from '@opsconductor/test-peers'
import { createAccount, type Issuing, issue, keptOf, startIssuing, wishCertificate } from './support.ts'

const these = pebbleIsMissing() ? test.skip : test
let issuing: Issuing
let acmeAccountId: string
beforeAll(async () => {
  if (pebbleIsMissing()) return
  issuing = await startIssuing({ blockedNames: ['refused.example.test'], nonceRejectPercent: 30 })
  const { status, body } = await createAccount(issuing)
  expect([status, body]).toEqual([201, expect.anything()])
  acmeAccountId = body.id
})
afterAll(() => issuing?.stop())

const kinds = {
  'rsa-2048': 'rsa 2048',
  'rsa-3072': 'rsa 3072',
  'rsa-4096': 'rsa 4096',
  'ec-p256': 'ec prime256v1',
  'ec-p384': 'ec secp384r1',
}

async function issueWithKey(keyType: string): Promise<string> {
  const { agent } = issuing
  const names = [`${keyType}.example.test`, `www.${keyType}.example.test`]
  const id = await wishCertificate(issuing, { names, acmeAccountId, keyType })
  const { stored, version } = await issue(issuing, id)
  expect(version).toBe(1)
  expect(stored.names.toSorted()).toEqual(names.toSorted())
  const row = await agent.deps.certificates.findById(id)
  expect(row).toMatchObject({ state: 'valid', version: 1, failures: 0, orderUnderWay: null })
  const key = createPrivateKey(keptOf(agent, row?.credentialId ?? '')?.secret.private_key ?? '')
  expect(new X509Certificate(stored.certificatePem).checkPrivateKey(key)).toBe(true)
  const { asymmetricKeyType, asymmetricKeyDetails } = key
  return `${asymmetricKeyType} ${asymmetricKeyDetails?.modulusLength ?? asymmetricKeyDetails?.namedCurve}`
}

these(
  '004.10 certificates with each type of key are issued, though the CA refuses three of ten nonces',
  async () => {
    const made = await Promise.all(Object.keys(kinds).map(issueWithKey))
    expect(made).toEqual(Object.values(kinds))
  },
)

these('004.06 a certificate of a hundred names, the most that there may be, is issued', async () => {
  const names = Array.from({ length: 100 }, (_, index) => `n${index}.many.example.test`)
  const { stored } = await issue(issuing, await wishCertificate(issuing, { names, acmeAccountId }))
  expect(stored.names.toSorted()).toEqual(names.toSorted())
})

these('004.10 a wildcard with its own name is issued by dns-01, an IP address by http-01', async () => {
  const { dnsAccountId } = issuing
  const challenges = [
    {
      type: 'dns-01',
      names: ['*.wild.example.test', 'wild.example.test'],
      dns_account_id: dnsAccountId,
      alias: null,
    },
    { type: 'http-01', server_id: null, webroot: null },
  ]
  const names = ['*.wild.example.test', 'wild.example.test', '127.0.0.1']
  const { stored } = await issue(
    issuing,
    await wishCertificate(issuing, { names, acmeAccountId, challenges }),
  )
  expect(stored.names.toSorted()).toEqual(names.toSorted())
  expect(new X509Certificate(stored.certificatePem).subject ?? '').not.toContain('CN=')
})

these('what the CA refuses is said with its name, and nothing is kept', async () => {
  const { agent } = issuing
  const names = ['fine.example.test', 'refused.example.test']
  const id = await wishCertificate(issuing, { names, acmeAccountId })
  await expect(issue(issuing, id)).rejects.toMatchObject({
    code: 'target_refused',
    message: expect.stringContaining('rejectedIdentifier'),
    errors: expect.arrayContaining([expect.objectContaining({ path: 'refused.example.test' })]),
  })
  expect(await agent.deps.certificates.findById(id)).toMatchObject({ version: 0, credentialId: null })
})

these(
  'a name whose challenge cannot be reached fails as one that may go well later, and then does',
  async () => {
    const { gateway } = issuing
    const id = await wishCertificate(issuing, { names: ['flaky.example.test'], acmeAccountId })
    gateway.dropsEvery(1)
    await expect(issue(issuing, id)).rejects.toMatchObject({
      code: 'target_failed',
      retryable: true,
      errors: [expect.objectContaining({ path: 'flaky.example.test' })],
    })
    gateway.dropsEvery(Number.POSITIVE_INFINITY)
    expect(await issue(issuing, id)).toMatchObject({ version: 1 })
  },
)

these(
  '004.10 where each fourth look of the CA fails, whoever tries again has the certificate soon',
  async () => {
    const { gateway } = issuing
    gateway.dropsEvery(4)
    const attemptsMax = 10
    const untilIssued = async (id: string): Promise<number> => {
      for (let attempt = 1; ; attempt++)
        try {
          await issue(issuing, id)
          return attempt
        } catch (error) {
          expect(error).toMatchObject({ code: 'target_failed', retryable: true })
          if (attempt === attemptsMax) throw error
        }
    }
    const ids = await Promise.all(
      ['one', 'two', 'three', 'four'].map((name) =>
        wishCertificate(issuing, { names: [`${name}.flaky.example.test`], acmeAccountId }),
      ),
    )
    const attempts = await Promise.all(ids.map(untilIssued))
    gateway.dropsEvery(Number.POSITIVE_INFINITY)
    expect(Math.max(...attempts)).toBeGreaterThan(1)
  },
)

these('no challenge is left behind, and neither keys nor accounts show in logs and rows', async () => {
  const { agent } = issuing
  const left = await agent.owner.query('SELECT count(*)::int AS count FROM cert_agent.http_challenges')
  expect(left.rows[0].count).toBe(0)
  const secrets = agent.broker.credentials.flatMap(({ secret }) =>
    Object.values(secret).map((text) => text.split('\n')[1] ?? text),
  )
  expect(secrets.length).toBeGreaterThan(5)
  const { rows } = await agent.owner.query(
    `SELECT c::text AS text FROM cert_agent.certificates c UNION ALL SELECT o::text FROM cert_agent.operations o
     UNION ALL SELECT a::text FROM cert_agent.audit_log a UNION ALL SELECT v::text FROM cert_agent.certificate_versions v`,
  )
  const everything = [...agent.lines, ...rows.map(({ text }) => text)].join('\n')
  for (const secret of secrets) expect(everything.includes(secret)).toBe(false)
})

these.each([
  'a.example.test;id',
  '$(id).example.test',
  'a.example.test\nb.example.test',
  '../etc/passwd',
  '-oProxyCommand=id',
  'ех.example.test', // Cyrillic
  'boo\u212a.example.test', // the Kelvin sign, a k in lower case
  'a..example.test',
  '*.*.example.test',
  'localhost',
])('004.06 the name %j is refused before anybody is asked', async (name) => {
  const { agent, gateway } = issuing
  const id = await wishCertificate(issuing, { names: ['fine.example.test', name], acmeAccountId })
  const asked = gateway.asked.length
  const lent = agent.broker.lent.length
  await expect(issue(issuing, id)).rejects.toMatchObject({
    code: 'validation_failed',
    errors: [{ path: 'names[1]' }],
  })
  expect([gateway.asked.length, agent.broker.lent.length]).toEqual([asked, lent])
})
