import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type AgentUnderTest, callerAt, startAgent } from '../support/agent.ts'

const path = '/api/certificates/notifications'
let agent: AgentUnderTest
const ids: Record<string, string> = {}
beforeAll(async () => {
  agent = await startAgent({ isIdle: true })
  const { projectId } = agent
  for (const [name, type] of [
    ['signing', 'webhook_secret'],
    ['slack', 'custom'],
    ['mail', 'smtp'],
  ] as const)
    ids[name] = agent.broker.add({ projectId, name, type, secret: { value: 'secret-0123456789' } }).id
})
afterAll(() => agent?.stop())

test('a project that has said nothing tells nobody, and is shown the usual days', async () => {
  const { status, body } = await agent.call('GET', path)
  expect([status, body]).toEqual([
    200,
    { webhooks: [], chats: [], emails: null, expiry_days: [30, 14, 7, 3, 1] },
  ])
})

test('004.LOG-3 whom to tell is set whole, credentials are kept by their ids, and the change is in the audit log', async () => {
  const settings = {
    webhooks: [
      { url: 'https://hooks.example.com/t0ken', credential: 'signing' },
      { url: 'https://plain.example.com/' },
    ],
    chats: [{ credential: 'slack' }],
    emails: { to: ['oncall@example.com'], credential: ids.mail },
    expiry_days: [20, 5],
  }
  const put = await agent.call('PUT', path, settings)
  expect(put.status).toBe(200)
  expect(put.body).toEqual({
    ...settings,
    webhooks: [
      { url: 'https://hooks.example.com/t0ken', credential: ids.signing },
      { url: 'https://plain.example.com/', credential: null },
    ],
    chats: [{ credential: ids.slack }],
  })
  expect((await agent.call('GET', path)).body).toEqual(put.body)
  const { rows } = await agent.owner.query(
    "SELECT actor, outcome, detail FROM cert_agent.audit_log WHERE action = 'notifications.update'",
  )
  expect(rows).toEqual([
    {
      actor: expect.stringContaining(agent.userId),
      outcome: 'succeeded',
      detail: { webhooks: 2, chats: 1, emails: 1 },
    },
  ])
  expect(JSON.stringify(rows)).not.toContain('t0ken')
})

const webhook = (url: string) => ({ webhooks: [{ url }] })
test.each<[string, object, string]>([
  ['a credential that is not there', { chats: [{ credential: 'nothing' }] }, 'body.chats[0].credential'],
  [
    'a credential of another type',
    { emails: { to: ['a@example.com'], credential: 'slack' } },
    'body.emails.credential',
  ],
  [
    'a signing secret of another type',
    { webhooks: [{ url: 'https://h.example.com/', credential: 'mail' }] },
    'body.webhooks[0].credential',
  ],
  ['plain http', webhook('http://hooks.example.com/'), 'body.webhooks[0].url'],
  ['an address with a password', webhook('https://a:b@hooks.example.com/'), 'body.webhooks[0].url'],
  [
    'a recipient that is two lines',
    { emails: { to: ['a@example.com\r\nBcc: b@example.com'], credential: 'mail' } },
    'body.emails.to[0]',
  ],
  ['days before the beginning', { expiry_days: [-1] }, 'body.expiry_days[0]'],
  ['what is not known', { sms: [] }, 'body'],
])('%s is refused by its field', async (_what, settings, field) => {
  const { status, body } = await agent.call('PUT', path, settings)
  expect([status, body.errors[0].path]).toEqual([422, field])
})

test("another project's credential is none of this one's, and its settings are its own", async () => {
  const other = await agent.createProject()
  const call = callerAt(agent.publicUrl, other.token)
  expect((await call('PUT', path, { chats: [{ credential: ids.slack }] })).status).toBe(422)
  expect((await call('GET', path)).body.chats).toEqual([])
})

test('who may only read does not see the addresses', async () => {
  const { token } = await agent.createProject('viewer')
  expect((await callerAt(agent.publicUrl, token)('GET', path)).status).toBe(403)
})

test('004.SEC-3 an API key that is limited to some servers neither sees nor sets whom the project tells', async () => {
  const key = agent.apiKey.createKey({ projectId: agent.projectId, scopes: ['manage:certificates'] })
  const limit = { server_ids: [] }
  await agent.call('PUT', `/api/servers/limits/${agent.apiKey.keyIdOf(key)}`, limit)
  for (const method of ['GET', 'PUT'])
    expect(
      (await agent.call(method, path, method === 'PUT' ? {} : undefined, { 'x-api-key': key })).status,
    ).toBe(403)
})
