import { type KeyObject, randomUUID, X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { SecretValue } from '@opsconductor/redact'
import { freePort, type Pebble, pebbleIsMissing, startPebble, startSshd } from '@opsconductor/test-peers'
import { fetchRenewalInfo } from '../../src/issuing/fetch-renewal-info.ts'
import { issueCertificate } from '../../src/issuing/issue-certificate.ts'
import { keyTypeOf } from '../../src/issuing/make-key.ts'
import { revokeVersion } from '../../src/issuing/revoke-version.ts'
import { addLogin, trust } from '../deploying/support.ts'
import { createAccount, type Issuing, issue, keptOf, startIssuing, wishCertificate } from './support.ts'

const these = pebbleIsMissing() ? test.skip : test
let issuing: Issuing
let staging: Pebble
let acmeAccountId: string
beforeAll(async () => {
  if (pebbleIsMissing()) return
  issuing = await startIssuing()
  const { agent, pebble } = issuing
  staging = await startPebble({ httpPort: pebble.httpPort, blockedNames: ['refused.example.test'] })
  agent.broker.caBundles.push(staging.ca)
  agent.executor.open(staging.port)
  acmeAccountId = (await createAccount(issuing, { staging_directory_url: staging.directoryUrl })).body.id
})
afterAll(async () => {
  await issuing?.stop()
  await staging?.close()
})

const ordersOf = async (certificateId: string): Promise<number> => {
  const { rows } = await issuing.agent.owner.query(
    `SELECT count(*)::int AS count FROM cert_agent.audit_log WHERE action = 'acme.order' AND certificate_id = $1`,
    [certificateId],
  )
  return rows[0].count
}

these.each([
  ['ordering', 1],
  ['showing_control', 1],
  ['finalizing', 1],
  // The key of a certificate that was issued already went with him.
  ['keeping', 2],
])('004.10 who was stopped at %s is followed by one who takes the order up', async (step, orders) => {
  const { agent } = issuing
  const id = await wishCertificate(issuing, {
    names: [`${step.replace('_', '-')}.example.test`],
    acmeAccountId,
  })
  const stopped = new AbortController()
  const attempt = issueCertificate(agent.deps, {
    ...{ operationId: crypto.randomUUID(), certificateId: id, actor: 'test', signal: stopped.signal },
    onProgress: (reached) => {
      if (reached === step) stopped.abort(new Error('stopped'))
    },
  })
  await expect(attempt).rejects.toThrow('stopped')
  expect(await issue(issuing, id)).toMatchObject({ version: 1 })
  expect(await ordersOf(id)).toBe(orders)
  const { rows } = await agent.owner.query('SELECT * FROM cert_agent.http_challenges')
  expect(rows).toEqual([])
})

these('004.10 what was kept by one who died before writing the version is not issued again', async () => {
  const { agent } = issuing
  const id = await wishCertificate(issuing, { names: ['kept.example.test'], acmeAccountId })
  const addVersion = () => Promise.reject(new Error('died'))
  const certificates = { ...agent.deps.certificates, addVersion }
  const dying = { agent: { ...agent, deps: { ...agent.deps, certificates } } }
  await expect(issue(dying, id)).rejects.toThrow('died')
  const kept = keptOf(agent, id)?.extra.certificate
  const { stored } = await issue(issuing, id)
  expect(stored.certificatePem).toBe(kept)
  expect(await ordersOf(id)).toBe(1)
})

these(
  'after two failures in a row the staging is asked first; what it refuses the CA never hears of',
  async () => {
    const { agent } = issuing
    const fine = await wishCertificate(issuing, {
      names: ['rehearsed.example.test'],
      acmeAccountId,
      failures: 2,
    })
    const { steps, version } = await issue(issuing, fine)
    expect(steps).toEqual(['rehearsing', 'ordering', 'showing_control', 'finalizing', 'keeping'])
    expect(version).toBe(1)
    const refused = { names: ['refused.example.test'], acmeAccountId }
    const id = await wishCertificate(issuing, { ...refused, failures: 3 })
    await expect(issue(issuing, id)).rejects.toMatchObject({ code: 'target_refused' })
    expect(await ordersOf(id)).toBe(0)
    // The account there is the one that the first rehearsal registered.
    const { rows } = await agent.owner.query(
      `SELECT count(*)::int AS count FROM cert_agent.audit_log WHERE action = 'acme.register' AND detail->>'directory_url' = $1`,
      [staging.directoryUrl],
    )
    expect(rows).toEqual([{ count: 1 }])
    expect(await issue(issuing, await wishCertificate(issuing, refused))).toMatchObject({ version: 1 })
  },
)

these('keys are made by the openssl of a server', async () => {
  const { agent } = issuing
  const sshd = await startSshd()
  agent.executor.open(sshd.port)
  trust(agent, sshd)
  const { id: serverId } = await agent.deps.prisma.server.create({
    data: {
      ...{ projectId: agent.projectId, name: 'server', host: sshd.host, port: sshd.port },
      ...{ credentialId: addLogin(agent, sshd).id, nginx: {}, createdBy: 'test' },
    },
  })
  for (const keyType of ['rsa-2048', 'ec-p384']) {
    const names = [`made-there-${keyType}.example.test`]
    const id = await wishCertificate(issuing, { names, acmeAccountId, keyType, keyMadeOn: serverId })
    const { stored } = await issue(issuing, id)
    expect(stored.names).toEqual(names)
    const audited = await agent.owner.query(
      `SELECT detail->'argv' AS argv FROM cert_agent.audit_log WHERE server_id = $1 AND action = 'ssh.command'`,
      [serverId],
    )
    expect(audited.rows[0].argv.slice(0, 2)).toEqual(['openssl', 'genpkey'])
    const lines = keptOf(agent, id)?.secret.private_key?.split('\n') ?? []
    expect(keyTypeOf(new SecretValue(lines.join('\n')))).toBe(keyType)
    expect(agent.lines.join('\n')).not.toContain(lines[1])
  }
  await sshd.close()
})

these.each([
  ['is away', async () => `https://127.0.0.1:${await openPort()}/dir`],
  ['may not be reached', async () => 'https://127.0.0.1:1/dir'],
])('a staging that %s keeps nobody from asking the CA', async (_, directoryUrl) => {
  const { agent } = issuing
  const { body } = await createAccount(issuing, { staging_directory_url: await directoryUrl() })
  const names = [`${randomUUID()}.example.test`]
  const id = await wishCertificate(issuing, { names, acmeAccountId: body.id, failures: 5 })
  const { steps, version } = await issue(issuing, id)
  expect([steps.slice(0, 2), version]).toEqual([['rehearsing', 'ordering'], 1])
  const { rows } = await agent.owner.query(
    `SELECT outcome FROM cert_agent.audit_log WHERE action = 'acme.rehearse' AND certificate_id = $1`,
    [id],
  )
  expect(rows).toEqual([{ outcome: 'failed' }])
})

async function openPort(): Promise<number> {
  const port = await freePort()
  issuing.agent.executor.open(port)
  return port
}

these(
  '004.10 an account that staging has forgotten is registered there anew, and deleted there too',
  async () => {
    const { agent, pebble } = issuing
    const { body } = await createAccount(issuing, { staging_directory_url: staging.directoryUrl })
    const wish = async () => {
      const names = [`${randomUUID()}.example.test`]
      return issue(issuing, await wishCertificate(issuing, { names, acmeAccountId: body.id, failures: 2 }))
    }
    const stagingKey = async () => {
      const account = await agent.deps.acmeAccounts.find(agent.projectId, body.id)
      return account?.stagingCredentialId
    }
    await wish()
    const first = await stagingKey()
    const kept = keptOf(agent, first ?? '')
    if (kept !== undefined) kept.extra.account_url = `${kept.extra.account_url}0`
    expect(await wish()).toMatchObject({ version: 1 })
    expect(await stagingKey()).toBeNull()
    const { stored } = await wish()
    expect(await stagingKey()).not.toBe(first)
    const heir = await createAccount(issuing)
    await agent.owner.query(
      'UPDATE cert_agent.certificates SET acme_account_id = $1 WHERE acme_account_id = $2',
      [heir.body.id, body.id],
    )
    expect((await agent.call('DELETE', `/api/certificates/accounts/${body.id}`)).status).toBe(204)
    const { rows } = await agent.owner.query(
      `SELECT detail->>'directory_url' AS url, outcome FROM cert_agent.audit_log
     WHERE action = 'acme.deactivate' AND detail->>'acme_account_id' = $1 ORDER BY id`,
      [body.id],
    )
    expect(rows).toEqual(
      [pebble.directoryUrl, staging.directoryUrl].map((url) => ({ url, outcome: 'succeeded' })),
    )
    expect(await pebble.statusOf(stored.serial)).toBe('Valid')
  },
)

these('a certificate moves to another CA; what the former one issued is revoked there', async () => {
  const { agent, pebble } = issuing
  const other = await createAccount(issuing, { directory_url: staging.directoryUrl })
  const id = await wishCertificate(issuing, { names: ['moves.example.test'], acmeAccountId })
  const first = await issue(issuing, id)
  await agent.deps.certificates.update(id, { acmeAccountId: other.body.id })
  const { signal } = new AbortController()
  expect(await fetchRenewalInfo(agent.deps, { certificateId: id, signal })).toBeDefined()
  const second = await issue(issuing, id)
  expect([second.version, await staging.statusOf(second.stored.serial)]).toEqual([2, 'Valid'])
  await revokeVersion(agent.deps, {
    ...{ operationId: second.operationId, certificateId: id, actor: 'test', signal },
    ...{ version: 1, reason: 'superseded' },
  })
  expect(await pebble.statusOf(first.stored.serial)).toBe('Revoked')
})

these(
  '004.10 a key that was revoked is not certified again by an order that it was finalized with',
  async () => {
    const { agent } = issuing
    const id = await wishCertificate(issuing, {
      names: ['compromised.example.test'],
      ...{ acmeAccountId, rotateKey: false },
    })
    const { operationId, stored } = await issue(issuing, id)
    const stopped = new AbortController()
    const renewal = issueCertificate(agent.deps, {
      ...{ operationId, certificateId: id, actor: 'test', signal: stopped.signal },
      onProgress: (reached) => {
        if (reached === 'keeping') stopped.abort(new Error('stopped'))
      },
    })
    await expect(renewal).rejects.toThrow('stopped')
    const { signal } = new AbortController()
    await revokeVersion(agent.deps, {
      ...{ operationId, certificateId: id, actor: 'test', signal, version: 1, reason: 'key-compromise' },
    })
    await agent.deps.certificates.setState(id, { state: 'revoked' })
    const next = await issue(issuing, id)
    const keys = [stored, next.stored].map(
      ({ certificatePem }) => new X509Certificate(certificatePem).publicKey,
    )
    expect(keys[0]?.equals(keys[1] as KeyObject)).toBe(false)
  },
)
