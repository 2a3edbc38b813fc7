import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { pebbleIsMissing } from '@opsconductor/test-peers'
import { createAccount, type Issuing, issue, keptOf, startIssuing, wishCertificate } from './support.ts'

const these = pebbleIsMissing() ? test.skip : test
const hmacKey = 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W'
let issuing: Issuing
beforeAll(async () => {
  if (!pebbleIsMissing()) issuing = await startIssuing({ externalAccounts: { 'kid-1': hmacKey } })
})
afterAll(() => issuing?.stop())

const external = { external_account: { kid: 'kid-1', hmac_key: hmacKey } }
const path = '/api/certificates/accounts'

these('004.10 an account is registered, its key is kept by the broker and is in no answer', async () => {
  const { agent, pebble } = issuing
  const { status, headers, body } = await createAccount(issuing, { ...external, is_default: true })
  expect(status).toBe(201)
  expect(headers.location).toBe(`${path}/${body.id}`)
  expect(body).toMatchObject({ directory_url: pebble.directoryUrl, is_default: true, blocked_until: null })
  const kept = keptOf(agent, body.credential_id)
  expect(kept).toMatchObject({
    type: 'acme_account',
    extra: { eab_kid: 'kid-1', directory_url: pebble.directoryUrl },
  })
  expect(kept?.secret.private_key).toContain('PRIVATE KEY')
  expect(JSON.stringify(body)).not.toMatch(/PRIVATE KEY|zWNDZM6e/)
  expect((await agent.call('GET', `${path}/${body.id}`)).body).toEqual(body)
  const { body: page } = await agent.call('GET', `${path}?limit=1`)
  expect(page.items).toEqual([body])
})

these.each([
  ['none', { external_account: null }, 'externalAccountRequired'],
  ['another one', { external_account: { kid: 'kid-1', hmac_key: 'x'.repeat(64) } }, '\\w+'],
])(
  'the CA refuses %s for its own account of the customer, and no account is there',
  async (_, fields, type) => {
    const before = await issuing.agent.call('GET', path)
    const { status, body } = await createAccount(issuing, fields)
    expect([status, body.code]).toEqual([502, 'target_refused'])
    expect(body.detail).toMatch(new RegExp(`refused \\(${type}\\)`))
    expect(JSON.stringify(body)).not.toContain('zWNDZM6e')
    expect((await issuing.agent.call('GET', path)).body).toEqual(before.body)
  },
)

these('only one account is the default, and a name is taken once', async () => {
  const { agent } = issuing
  const { body: one } = await createAccount(issuing, { ...external, is_default: true })
  const { body: other } = await createAccount(issuing, { ...external, is_default: true })
  expect((await agent.call('GET', `${path}/${one.id}`)).body.is_default).toBe(false)
  const taken = await createAccount(issuing, { ...external, name: other.name })
  expect([taken.status, taken.body.code]).toEqual([409, 'conflict'])
  const renamed = await agent.call('PUT', `${path}/${one.id}`, { name: other.name })
  expect(renamed.status).toBe(409)
})

these('another contact is told to the CA; an address that it does not take changes nothing', async () => {
  const { agent } = issuing
  const { body } = await createAccount(issuing, external)
  const change = (contact_email: string | null) => agent.call('PUT', `${path}/${body.id}`, { contact_email })
  expect((await change('other@example.test')).body.contact_email).toBe('other@example.test')
  for (const bad of ['a@b.test\r\nBcc: c@d.test', 'no address', 'a@b.test?subject=x,c@d.test'])
    expect((await change(bad)).status).toBe(422)
  expect((await agent.call('GET', `${path}/${body.id}`)).body.contact_email).toBe('other@example.test')
})

these(
  'an account that certificates need is not deleted; a deleted one is deactivated at the CA',
  async () => {
    const { agent } = issuing
    const { body } = await createAccount(issuing, external)
    const id = await wishCertificate(issuing, { names: ['kept.example.test'], acmeAccountId: body.id })
    expect(await issue(issuing, id)).toMatchObject({ version: 1 })
    expect((await agent.call('DELETE', `${path}/${body.id}`)).status).toBe(409)
    const { body: heir } = await createAccount(issuing, external)
    await agent.deps.certificates.update(id, { acmeAccountId: heir.id })
    expect((await agent.call('DELETE', `${path}/${body.id}`)).status).toBe(204)
    expect((await agent.call('GET', `${path}/${body.id}`)).status).toBe(404)
    const { rows } = await agent.owner.query(
      `SELECT outcome FROM cert_agent.audit_log WHERE action = 'acme.deactivate' AND detail->>'acme_account_id' = $1`,
      [body.id],
    )
    expect(rows).toEqual([{ outcome: 'succeeded' }])
  },
)

these("another project's account is not there", async () => {
  const { agent } = issuing
  const { body } = await createAccount(issuing, external)
  const { projectId, token } = await agent.createProject()
  const headers = { authorization: `Bearer ${token}`, 'x-project-id': projectId }
  for (const method of ['GET', 'PUT', 'DELETE'])
    expect(
      (await agent.call(method, `${path}/${body.id}`, method === 'PUT' ? {} : undefined, headers)).status,
    ).toBe(404)
})

these('004.SEC-3 an API key that is limited to some servers changes no account but its own', async () => {
  const { agent, pebble } = issuing
  const key = agent.apiKey.createKey({ projectId: agent.projectId, scopes: ['manage:certificates'] })
  const limits = `/api/servers/limits/${agent.apiKey.keyIdOf(key)}`
  expect((await agent.call('PUT', limits, { server_ids: [] })).status).toBe(200)
  const asKey = (method: string, at: string, sent?: unknown) =>
    agent.call(method, at, sent, { 'x-api-key': key })
  const { body: shared } = await createAccount(issuing, external)
  const wish = { name: 'own', directory_url: pebble.directoryUrl, terms_of_service_agreed: true, ...external }
  const { body: own } = await asKey('POST', path, wish)
  for (const [method, at, sent] of [
    ['PUT', `${path}/${shared.id}`, { staging_directory_url: 'https://evil.example.test/dir' }],
    ['DELETE', `${path}/${shared.id}`],
    ['PUT', `${path}/${own.id}`, { is_default: true }],
    ['POST', path, { ...wish, name: 'default', is_default: true }],
  ] as const) {
    const refused = await asKey(method, at, sent)
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden'])
  }
  expect((await agent.call('GET', `${path}/${shared.id}`)).body).toEqual(shared)
  expect((await asKey('PUT', `${path}/${own.id}`, { name: 'own-too' })).status).toBe(200)
  expect((await asKey('DELETE', `${path}/${own.id}`)).status).toBe(204)
})

these('004.07 whoever registers account after account is stopped', async () => {
  const { agent } = issuing
  const key = agent.apiKey.createKey({ projectId: agent.projectId, scopes: ['manage:certificates'] })
  const gone = `${path}/${randomUUID()}`
  const ask = async () => (await agent.call('DELETE', gone, undefined, { 'x-api-key': key })).status
  const statuses = await Promise.all(Array.from({ length: 31 }, ask))
  expect(statuses.toSorted()).toEqual([...Array.from({ length: 30 }, () => 404), 429])
})
