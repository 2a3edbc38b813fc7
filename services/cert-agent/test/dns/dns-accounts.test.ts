import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type AgentUnderTest, callerAt, startAgent } from '../support/agent.ts'

const path = '/api/certificates/dns-accounts'
let agent: AgentUnderTest
beforeAll(async () => {
  agent = await startAgent()
  const { projectId } = agent
  agent.broker.add({ projectId, name: 'dns-key', type: 'tsig', secret: { secret: 'a2V5a2V5a2V5a2V5' } })
  agent.broker.add({
    projectId,
    name: 'a-token',
    type: 'bearer_token',
    secret: { token: 'token-0123456789' },
  })
  agent.broker.add({
    ...{ projectId, name: 'of-a-job', type: 'tsig', secret: { secret: 'a2V5a2V5a2V5a2V5' } },
    limits: { step_types: ['http.get'] },
  })
})
afterAll(() => agent?.stop())

const account = (more: object = {}) => ({
  ...{ name: 'ours', provider: 'rfc2136', settings: { server: 'ns.example.test' }, credential: 'dns-key' },
  ...more,
})
const auditOf = async () =>
  (await agent.owner.query('SELECT action, actor FROM cert_agent.audit_log ORDER BY id')).rows as {
    action: string
    actor: string
  }[]

test('004.10 an account is added, read, listed, changed and deleted, and each change is in the audit log', async () => {
  const made = await agent.call('POST', path, account())
  expect(made).toMatchObject({
    status: 201,
    body: {
      ...{ name: 'ours', provider: 'rfc2136', credential_id: expect.any(String) },
      settings: { server: 'ns.example.test', port: 53, wait_seconds_max: 300 },
    },
  })
  const at = `${path}/${made.body.id}`
  expect(made.headers.location).toBe(at)
  expect((await agent.call('GET', at)).body).toEqual(made.body)
  expect((await agent.call('GET', path)).body).toEqual({ items: [made.body], next_cursor: null })
  const changed = await agent.call('PUT', at, {
    settings: { server: 'ns2.example.test', zones: ['Example.test'] },
  })
  expect(changed).toMatchObject({
    status: 200,
    body: { name: 'ours', settings: { server: 'ns2.example.test', zones: ['example.test'] } },
  })
  expect((await agent.call('DELETE', at)).status).toBe(204)
  expect((await agent.call('GET', at)).status).toBe(404)
  expect((await auditOf()).map(({ action }) => action)).toEqual([
    'dns-account.create',
    'dns-account.update',
    'dns-account.delete',
  ])
})

test('the providers are listed with a JSON Schema of their settings', async () => {
  const { body } = await agent.call('GET', '/api/certificates/dns-providers')
  expect(body.items.map(({ id, credentials }: Record<string, unknown>) => [id, credentials])).toEqual([
    ['rfc2136', ['tsig']],
    ['cloudflare', ['bearer_token']],
    ['route53', ['aws']],
    ['webhook', ['webhook_secret']],
  ])
  expect(body.items[0].settings).toMatchObject({
    type: 'object',
    required: ['server'],
    additionalProperties: false,
  })
})

test.each<[string, object, string]>([
  ['no provider of ours', { provider: 'exec' }, 'body.provider'],
  ['a provider that is a property of every object', { provider: 'constructor' }, 'body.provider'],
  ['no credential', { credential: null }, 'body.credential'],
  ['a credential that is not there', { credential: 'nobody' }, 'body.credential'],
  ['a credential of another type', { credential: 'a-token' }, 'body.credential'],
  ['a credential that is for steps alone', { credential: 'of-a-job' }, 'body.credential'],
  ['settings of nobody', { settings: { server: 'ns.test', command: 'id' } }, 'body.settings'],
  ['no server', { settings: {} }, 'body.settings.server'],
  ['a server with a line break', { settings: { server: 'ns.test\nid' } }, 'body.settings.server'],
  ['a server that is a path', { settings: { server: '../etc' } }, 'body.settings.server'],
  ['a zone with a quote', { settings: { server: 'ns.test', zones: ['a".test'] } }, 'body.settings.zones[0]'],
  [
    'a zone in another script',
    { settings: { server: 'ns.test', zones: ['аpple.test'] } },
    'body.settings.zones[0]',
  ],
  [
    'an API over plain http',
    { provider: 'cloudflare', credential: 'a-token', settings: { base_url: 'http://api.test' } },
    'body.settings.base_url',
  ],
  [
    'an API with a password in its URL',
    { provider: 'cloudflare', credential: 'a-token', settings: { base_url: 'https://a:b@api.test' } },
    'body.settings.base_url',
  ],
])('%s is refused, naming the field', async (_what, more, field) => {
  const { status, body } = await agent.call('POST', path, account(more))
  expect([status, body.code, body.errors[0].path]).toEqual([422, 'validation_failed', field])
})

test('a second account of a name is refused', async () => {
  const made = await agent.call('POST', path, account({ name: 'twice' }))
  const again = await agent.call('POST', path, account({ name: 'twice' }))
  expect([again.status, again.body.code]).toEqual([409, 'conflict'])
  await agent.call('DELETE', `${path}/${made.body.id}`)
})

test('an account that a certificate names stays', async () => {
  const { body } = await agent.call('POST', path, account({ name: 'named' }))
  const challenges = JSON.stringify([{ type: 'dns-01', dns_account_id: body.id, alias: null }])
  const { rows } = await agent.owner.query(
    `INSERT INTO cert_agent.certificates (project_id, name, names, source, key_type, challenges, created_by)
     VALUES ($1, 'c', '{a.test}', 'import', 'ec-p256', $2, 'test') RETURNING id`,
    [agent.projectId, challenges],
  )
  for (const id of [body.id, body.id.toUpperCase()]) {
    const refused = await agent.call('DELETE', `${path}/${id}`)
    expect([refused.status, refused.body.code]).toEqual([409, 'conflict'])
  }
  await agent.owner.query('DELETE FROM cert_agent.certificates WHERE id = $1', [rows[0].id])
  expect((await agent.call('DELETE', `${path}/${body.id}`)).status).toBe(204)
})

test('004.SEC-3 an API key that is limited to some servers changes no account but its own', async () => {
  const key = agent.apiKey.createKey({ projectId: agent.projectId, scopes: ['manage:certificates'] })
  const limits = `/api/servers/limits/${agent.apiKey.keyIdOf(key)}`
  expect((await agent.call('PUT', limits, { server_ids: [] })).status).toBe(200)
  const asKey = (method: string, at: string, body?: unknown) =>
    agent.call(method, at, body, { 'x-api-key': key })
  const { body: shared } = await agent.call('POST', path, account({ name: 'shared' }))
  const { body: own } = await asKey('POST', path, account({ name: 'own' }))
  for (const [method, sent] of [['PUT', { settings: { server: 'ns.evil.test' } }], ['DELETE']] as const) {
    const refused = await asKey(method, `${path}/${shared.id}`, sent)
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden'])
  }
  expect((await agent.call('GET', `${path}/${shared.id}`)).body).toEqual(shared)
  expect((await asKey('PUT', `${path}/${own.id}`, { name: 'own-too' })).status).toBe(200)
  expect((await asKey('DELETE', `${path}/${own.id}`)).status).toBe(204)
})

test("another project's account is not there, and its credential is not taken", async () => {
  const { body } = await agent.call('POST', path, account({ name: 'mine' }))
  const stranger = callerAt(agent.publicUrl, (await agent.createProject()).token)
  for (const [method, sent] of [['GET'], ['PUT', {}], ['DELETE']] as const)
    expect((await stranger(method, `${path}/${body.id}`, sent)).status).toBe(404)
  expect((await stranger('POST', path, account())).body.errors[0].path).toBe('body.credential')
})
