import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { createNotifier } from '@opsconductor/notify'
import { type PeerAnswer, startJsonServer } from '@opsconductor/test-peers'
import { readBrokerConfig } from '../src/config.ts'
import { createDeps } from '../src/deps.ts'
import { checkExpiry } from '../src/expiry/check-expiry.ts'
import { sendNotices } from '../src/expiry/send-notices.ts'
import { type RunningBroker, startBroker } from './running-broker.ts'

const webhookSecret = `whsec_${Buffer.from('notify-secret-0123456789').toString('base64')}`
const pathToken = 'T0-token-in-the-address'
const start = new Date(Math.ceil(Date.now() / 1000) * 1000)
const dayMs = 86_400_000
const onDay = (day: number) => new Date(start.getTime() + day * dayMs)

let receiver: Awaited<ReturnType<typeof startJsonServer>>
let broker: RunningBroker
let project: Awaited<ReturnType<RunningBroker['createProject']>>
let day = 0
/** What the receiver answers; it holds on to a request until this resolves. */
let answer: (body: Body) => PeerAnswer | Promise<PeerAnswer>

interface Body {
  id: string
  type: string
  title: string
  text: string
  facts: Record<string, string | number>
}

beforeAll(async () => {
  receiver = await startJsonServer({ answer: ({ body }) => answer(JSON.parse(body)) })
  broker = await startBroker(
    {
      NOTIFY_WEBHOOK_URL: `http://127.0.0.1:${receiver.port}/hook/${pathToken}`,
      NOTIFY_WEBHOOK_SECRET: webhookSecret,
    },
    { now: () => onDay(day) },
  )
  project = await broker.createProject()
})
afterAll(async () => {
  await broker?.stop()
  await receiver?.close()
})
let seenBefore = 0
beforeEach(async () => {
  day = 0
  answer = () => ({ status: 200, body: 'ok' })
  seenBefore = receiver.requests.length
  await broker.owner.query('DELETE FROM secrets.credentials')
})
const notifiers: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const notifier of notifiers.splice(0)) await notifier.close()
})

/** What came in during this test, oldest first. */
const received = (): Body[] => receiver.requests.slice(seenBefore).map(({ body }) => JSON.parse(body))
const summaries = () =>
  received().map(({ facts }) => `${facts.credential_name} ${facts.kind} ${facts.days_left}`)

/** As the hourly check does it, with no waiting between tries. */
async function check(deps = broker.deps) {
  const notifier = createNotifier({
    webhooks: [{ url: broker.config.NOTIFY_WEBHOOK_URL as string, secret: webhookSecret }],
    wait: async () => {},
  })
  notifiers.push(notifier)
  await checkExpiry(deps)
  await sendNotices({ ...deps, notifier })
}

async function create(name: string, more: object = {}): Promise<string> {
  const { status, body } = await broker.api('POST', '/api/credentials', project.asOwner, {
    name,
    type: 'bearer_token',
    secret: 'tok-0123456789',
    ...more,
  })
  expect(status).toBe(201)
  return body.id
}

async function outcomes() {
  const { text } = await broker.internal('GET', '/metrics')
  const of = (outcome: string) =>
    Number(text.match(new RegExp(`secrets_notifications_total\\{outcome="${outcome}"\\} (\\d+)`))?.[1])
  return { sent: of('sent'), failed: of('failed'), obsolete: of('obsolete') }
}

const waitingNotices = async () =>
  (await broker.owner.query('SELECT 1 FROM secrets.expiry_notices WHERE notified_at IS NULL')).rowCount

test('003.25 one message is sent for each threshold, and says which credential, of which project, expires when', async () => {
  const before = await outcomes()
  const id = await create('billing <db>', { expires_at: onDay(40).toISOString() })
  for (day = 0; day <= 45; day += 0.5) await check()
  expect(summaries()).toEqual([30, 14, 7, 1, 0].map((days) => `billing <db> expiry ${days}`))
  const [first] = received() as [Body]
  expect(first).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    type: 'secrets.credential_expiring',
    title: 'Credential "billing <db>" expires in 30 days',
    text: `Credential "billing &lt;db&gt;" expires in 30 days (${onDay(40).toISOString()}). Project ${project.projectId}.`,
    facts: {
      credential_id: id,
      credential_name: 'billing <db>',
      project_id: project.projectId,
      kind: 'expiry',
      due_at: onDay(40).toISOString(),
      days_left: 30,
    },
    created_at: expect.any(String),
  })
  expect(received().at(-1)?.title).toBe('Credential "billing <db>" has expired')
  expect(new Set(received().map((message) => message.id)).size).toBe(5)
  expect(await outcomes()).toEqual({ ...before, sent: before.sent + 5 })
})

test('the service itself sends, signed, as soon as it has started, and nothing again over a restart', async () => {
  await create('restart', { expires_at: onDay(3).toISOString() })
  const run = async () => {
    const deps = await createDeps(broker.config, { log: broker.deps.log, now: () => onDay(0) })
    await deps.keyring.load()
    deps.chores.start()
    await deps.chores.stop()
    await deps.dispose()
  }
  await run()
  await run()
  expect(summaries()).toEqual(['restart expiry 3'])
  expect(receiver.requests.at(-1)?.headers).toMatchObject({
    'webhook-id': received()[0]?.id,
    'webhook-signature': expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
  })
})

test('a webhook that does not answer keeps no process from ending, and what it was sent still waits', async () => {
  await create('hanging', { expires_at: onDay(3).toISOString() })
  const asked = new Promise<void>((resolve) => {
    answer = () => {
      resolve()
      return new Promise(() => {})
    }
  })
  const deps = await createDeps(broker.config, { log: broker.deps.log, now: () => onDay(0) })
  await deps.keyring.load()
  deps.chores.start()
  await asked
  await deps.dispose()
  expect([summaries(), await waitingNotices()]).toEqual([['hanging expiry 3'], 1])
})

test('what could not be sent is sent at the next check under the same id, and then no more', async () => {
  const before = await outcomes()
  await create('later', { expires_at: onDay(3).toISOString() })
  answer = () => ({ status: 503, body: 'not now' })
  await check()
  expect([received().length, await waitingNotices()]).toEqual([3, 1])
  answer = () => ({ status: 200, body: 'ok' })
  day = 1 / 24
  await check()
  await check()
  expect([received().length, await waitingNotices()]).toEqual([4, 0])
  expect(new Set(received().map(({ id }) => id)).size).toBe(1)
  expect(await outcomes()).toEqual({ ...before, sent: before.sent + 1, failed: before.failed + 1 })
})

test('a webhook that is away is not asked for every notice; a single message that it refuses holds up no other', async () => {
  await create('first', { expires_at: onDay(2).toISOString() })
  await create('second', { expires_at: onDay(3).toISOString() })
  answer = () => ({ status: 410 })
  await check()
  expect(summaries()).toEqual(['first expiry 2'])
  answer = ({ facts }) => ({ status: facts.credential_name === 'first' ? 400 : 200 })
  await check()
  expect(summaries()).toEqual(['first expiry 2', 'first expiry 2', 'second expiry 3'])
  expect(await waitingNotices()).toBe(1)
})

test('what is not true any more is not sent: a date that was moved, a credential out of use, a threshold that a nearer one followed', async () => {
  const before = await outcomes()
  const [moved, deleted] = [
    await create('moved', { expires_at: onDay(5).toISOString() }),
    await create('deleted', { expires_at: onDay(5).toISOString() }),
    await create('nearer', { expires_at: onDay(5).toISOString() }),
  ]
  await checkExpiry(broker.deps)
  await broker.api('PUT', `/api/credentials/${moved}`, project.asOwner, {
    expires_at: onDay(90).toISOString(),
  })
  await broker.api('DELETE', `/api/credentials/${deleted}`, project.asOwner)
  day = 4.5
  await check()
  expect([summaries(), await waitingNotices()]).toEqual([['nearer expiry 1'], 0])
  expect(await outcomes()).toEqual({ ...before, sent: before.sent + 1, obsolete: before.obsolete + 3 })
})

test('certificates and secrets that are due for rotation are told of in words of their own', async () => {
  const certified = await create('certified')
  await broker.owner.query('UPDATE secrets.credentials SET certificate_expires_at = $2 WHERE id = $1', [
    certified,
    onDay(1),
  ])
  await create('rotated', { rotate_every_days: 10 })
  await check()
  day = 11
  await check()
  expect(received().map(({ title }) => title)).toEqual([
    'The certificate of credential "certified" expires in 1 day',
    'Credential "rotated" is due for rotation in 10 days',
    'The certificate of credential "certified" has expired',
    'Credential "rotated" is overdue for rotation',
  ])
})

test('while one process is sending a notice no other sends it', async () => {
  await create('held', { expires_at: onDay(3).toISOString() })
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const asked = new Promise<void>((resolve) => {
    answer = async () => {
      resolve()
      await released
      return { status: 200 }
    }
  })
  const sending = check()
  await asked
  await check()
  expect([received().length, await waitingNotices()]).toEqual([1, 1])
  release()
  await sending
  expect([received().length, await waitingNotices()]).toEqual([1, 0])
})

test('without a webhook no notice waits, so that one set later gets no old news', async () => {
  await create('silent', { expires_at: onDay(3).toISOString() })
  await checkExpiry(broker.deps)
  await sendNotices({ ...broker.deps, notifier: undefined })
  expect(await waitingNotices()).toBe(0)
  await check()
  expect(received()).toEqual([])
})

test('neither a secret nor the address of the webhook is sent or logged', async () => {
  await create('quiet', { expires_at: onDay(3).toISOString() })
  answer = () => ({ status: 500, body: `no, ${pathToken}` })
  await check()
  const said = broker.logged() + JSON.stringify(received())
  expect(said).toContain('notification not sent')
  for (const secret of [pathToken, webhookSecret, webhookSecret.slice(6), 'tok-0123456789'])
    expect(said).not.toContain(secret)
})

test('an address or a secret that is of no use is a fault of the configuration, and not quoted', () => {
  const read = () =>
    readBrokerConfig({
      ...Object.fromEntries(Object.entries(broker.config).map(([name, value]) => [name, String(value)])),
      OTEL_EXPORTER_OTLP_ENDPOINT: '',
      NOTIFY_WEBHOOK_URL: `http://hooks.example.com/${randomUUID()}`,
      NOTIFY_WEBHOOK_SECRET: 'whsec_short',
    })
  expect(read).toThrow(
    'NOTIFY_WEBHOOK_URL: must begin with https://\nNOTIFY_WEBHOOK_SECRET: must hold 24 to 64 bytes in base64 after whsec_',
  )
})
