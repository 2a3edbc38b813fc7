import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { createTestCertificates, type SmtpServerPeer, startSmtpServer } from '@opsconductor/test-peers'
import { verifyWebhook } from '@opsconductor/webhook-signatures'
import type { Told } from '../../src/notifications/kinds.ts'
import { forgetTold, notify } from '../../src/notifications/notify.ts'
import { notificationRetryMs, sendNotifications } from '../../src/notifications/send-notifications.ts'
import { findLoan } from '../../src/operations/find-operation.ts'
import { type AgentUnderTest, callerAt, startAgent } from '../support/agent.ts'
import { startHook } from './receivers.ts'

const signing = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`
const password = 'mail-Passw0rd'
const minuteMs = 60_000

let agent: AgentUnderTest
let hook: Awaited<ReturnType<typeof startHook>>
let chat: Awaited<ReturnType<typeof startHook>>
let mail: SmtpServerPeer
let projectId: string
let call: ReturnType<typeof callerAt>
let now = new Date('2020-01-01T00:00:00Z')

beforeAll(async () => {
  const certificates = createTestCertificates()
  hook = await startHook(certificates)
  chat = await startHook(certificates)
  mail = await startSmtpServer({ certificate: certificates.server, password })
  agent = await startAgent({ now: () => now, isIdle: true })
  agent.broker.caBundles.push(certificates.ca)
  agent.executor.open(hook.port, chat.port, mail.port)
})
afterAll(async () => {
  await agent?.stop()
  await Promise.all([hook, chat, mail].map((peer) => peer?.close()))
})

beforeEach(async () => {
  await agent.owner.query('DELETE FROM cert_agent.notifications')
  const project = await agent.createProject()
  projectId = project.projectId
  call = callerAt(agent.publicUrl, project.token)
  const add = (name: string, type: string, secret: Record<string, string>, extra = {}) =>
    agent.broker.add({ projectId, name, type, secret, extra })
  add('signing', 'webhook_secret', { secret: signing })
  add('chat', 'custom', { url: `${chat.url}/services/t0ken-0123456789` })
  const { host, port } = mail
  add('mail', 'smtp', { password }, { host, port, security: 'starttls', username: 'ops@example.com' })
})
afterEach(() => {
  for (const peer of [hook, chat, mail]) peer.received.length = 0
  hook.answers.length = 0
})

const set = async (settings: object) => {
  expect((await call('PUT', '/api/certificates/notifications', settings)).status).toBe(200)
}
const everybody = () => ({
  webhooks: [{ url: `${hook.url}/hook`, credential: 'signing' }],
  chats: [{ credential: 'chat' }],
  emails: { to: ['oncall@example.com', 'boss@example.com'], credential: 'mail' },
})
const tell = (more: Partial<Told> = {}) =>
  notify(agent.deps, {
    projectId,
    key: 'certificate_renewal_failed:1:warning:v1',
    kind: 'certificate_renewal_failed',
    title: 'The certificate www was not renewed',
    text: 'The CA <refused> it & said why.',
    facts: { certificate: 'www' },
    ...more,
  })
const send = () => sendNotifications(agent.deps, new AbortController().signal)
const rows = async () =>
  (
    await agent.owner.query(
      `SELECT id, attempts, cardinality(told) AS told, sent_at, retry_at::text, payload
       FROM cert_agent.notifications WHERE project_id = $1`,
      [projectId],
    )
  ).rows

test('004.LOG-3 a signed webhook, a chat and each recipient of a mail are told, under credentials lent for it', async () => {
  await set(everybody())
  agent.broker.lent.length = 0
  await tell()
  const [{ id }] = await rows()
  await send()
  expect(hook.received.map(({ path }) => path)).toEqual(['/hook'])
  const { headers, body } = hook.received[0] as (typeof hook.received)[number]
  expect(JSON.parse(body)).toMatchObject({
    id,
    type: 'certificate_renewal_failed',
    facts: { certificate: 'www' },
  })
  expect(verifyWebhook({ style: 'standard', secrets: [signing], headers, body, now })).toMatchObject({
    valid: true,
    id,
  })
  expect(chat.received.map(({ path }) => path)).toEqual(['/services/t0ken-0123456789'])
  expect(JSON.parse(chat.received[0]?.body ?? '').text).toBe('The CA &lt;refused&gt; it &amp; said why.')
  expect(mail.received.flatMap(({ to }) => to).sort()).toEqual(['boss@example.com', 'oncall@example.com'])
  expect(mail.received.every(({ secure, login }) => secure && login?.password === password)).toBe(true)
  expect(new Set(agent.broker.lent.map(({ operation_id }) => operation_id))).toEqual(new Set([id]))
  expect(await rows()).toEqual([expect.objectContaining({ told: 4, attempts: 1, sent_at: now })])
})

test('the same is told once, and anew once it was well in between', async () => {
  await set({ webhooks: [{ url: `${hook.url}/hook` }] })
  for (let times = 0; times < 3; times++) {
    await tell()
    await send()
  }
  expect(hook.received).toHaveLength(1)
  await tell({ key: 'certificate_renewal_failed:1:warning:v2' })
  await send()
  expect(hook.received).toHaveLength(2)
  await forgetTold(agent.deps, projectId, 'certificate_renewal_failed:1:')
  await tell()
  await send()
  expect(hook.received).toHaveLength(3)
  expect(hook.received[0]?.headers['webhook-id']).toBeUndefined()
})

test('several processes at once send it once', async () => {
  await set({ webhooks: [{ url: `${hook.url}/hook` }] })
  for (let number = 0; number < 25; number++) await tell({ key: `account_blocked:${number}:warning:-` })
  await Promise.all([send(), send(), send(), send()])
  expect(new Set(hook.received.map(({ body }) => JSON.parse(body).id)).size).toBe(25)
  expect(hook.received).toHaveLength(25)
})

test('who could not be told is told again later, under the same id, and the others are not told twice', async () => {
  await set(everybody())
  await tell()
  hook.answers.push(503, 410)
  await send()
  expect([hook.received.length, chat.received.length, mail.received.length]).toEqual([1, 1, 2])
  await send()
  expect(hook.received).toHaveLength(1)
  for (const attempt of [1, 2]) {
    now = new Date(now.getTime() + notificationRetryMs(attempt))
    await send()
  }
  expect([hook.received.length, chat.received.length, mail.received.length]).toEqual([3, 1, 2])
  expect(new Set(hook.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  expect((await rows())[0]).toMatchObject({ sent_at: now, attempts: 3 })
})

test('what is tried again holds up nothing that was never tried', async () => {
  await set({ webhooks: [{ url: `${hook.url}/hook` }] })
  for (let number = 0; number < 12; number++) await tell({ key: `account_blocked:${number}:warning:-` })
  await agent.owner.query('UPDATE cert_agent.notifications SET attempts = 3, retry_at = $1', [now])
  await tell()
  const taken = await agent.deps.notifications.take(now, new Date(now.getTime() + minuteMs), 10)
  expect([taken.length, taken.filter(({ attempts }) => attempts === 1).length]).toEqual([10, 1])
})

test('the waits double from a minute to six hours, and after two days it is given up', async () => {
  const waits = Array.from({ length: 13 }, (_, index) => notificationRetryMs(index + 1))
  expect([waits[0], waits[1], waits.at(-1)]).toEqual([minuteMs, 2 * minuteMs, 360 * minuteMs])
  await set({ webhooks: [{ url: `${hook.url}/hook` }] })
  await tell()
  await agent.owner.query('UPDATE cert_agent.notifications SET attempts = 13 WHERE project_id = $1', [
    projectId,
  ])
  hook.answers.push(500)
  await send()
  expect((await rows())[0]).toMatchObject({ attempts: 14, sent_at: null, retry_at: 'infinity' })
  now = new Date(now.getTime() + 365 * 24 * 60 * minuteMs)
  await send()
  expect(hook.received).toHaveLength(1)
})

test('what the outbound policy does not open is not called, and a redirect is not followed', async () => {
  const closed = await startHook(createTestCertificates())
  try {
    await set({ webhooks: [{ url: `${closed.url}/hook` }, { url: `${hook.url}/hook` }] })
    hook.answers.push({ status: 307, location: `${chat.url}/stolen` })
    await tell()
    await send()
    expect([closed.received, chat.received, hook.received.length]).toEqual([[], [], 1])
    expect((await rows())[0]).toMatchObject({ sent_at: null, told: 0 })
  } finally {
    await closed.close()
  }
})

test('an SMTP server that the policy does not open is not connected to', async () => {
  const closed = await startSmtpServer({ certificate: createTestCertificates().server })
  try {
    const { host, port } = closed
    const extra = { host, port, security: 'starttls', username: 'u' }
    agent.broker.add({ projectId, name: 'closed', type: 'smtp', secret: { password }, extra })
    await set({ emails: { to: ['a@example.com'], credential: 'closed' } })
    await tell()
    await send()
    expect([closed.commands, (await rows())[0].told]).toEqual([[], 0])
  } finally {
    await closed.close()
  }
})

test('the broker is told that a notification may borrow only while it is being sent', async () => {
  await set(everybody())
  await tell()
  const [{ id }] = await rows()
  await expect(findLoan(agent.deps, id)).rejects.toMatchObject({ code: 'not_found' })
  const [taken] = await agent.deps.notifications.take(now, new Date(now.getTime() + minuteMs), 1)
  expect(taken?.id).toBe(id)
  const loan = await findLoan(agent.deps, id)
  expect([loan.project_id, loan.running, loan.credentials.length]).toEqual([projectId, true, 3])
  await agent.deps.notifications.giveBack(id, [], { retryAt: now })
  await expect(findLoan(agent.deps, id)).rejects.toMatchObject({ code: 'not_found' })
})

test('a project that has named nobody gets no rows, and one whose credential is gone loses nothing but that', async () => {
  await tell()
  expect(await rows()).toEqual([])
  await set({ chats: [{ credential: 'chat' }], webhooks: [{ url: `${hook.url}/hook` }] })
  agent.broker.credentials.splice(
    agent.broker.credentials.findIndex((one) => one.projectId === projectId && one.name === 'chat'),
    1,
  )
  await tell()
  await send()
  expect([hook.received.length, chat.received.length, (await rows())[0].told]).toEqual([1, 0, 1])
})

test('no secret and no address with a token is in a row of what is told, or in the log', async () => {
  await set(everybody())
  hook.answers.push(500)
  await tell()
  await send()
  const { rows: all } = await agent.owner.query('SELECT * FROM cert_agent.notifications')
  const text = JSON.stringify(all) + agent.lines.join('')
  for (const secret of [signing, password, 't0ken-0123456789']) expect(text).not.toContain(secret)
})
