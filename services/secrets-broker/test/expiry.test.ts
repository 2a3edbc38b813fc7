import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { credentialTopics } from '@opsconductor/contracts'
import { listenForEvents } from '@opsconductor/events'
import { checkExpiry } from '../src/expiry/check-expiry.ts'
import { type RunningBroker, startBroker } from './running-broker.ts'

let broker: RunningBroker
let project: Awaited<ReturnType<RunningBroker['createProject']>>
const start = new Date(Math.ceil(Date.now() / 1000) * 1000)
beforeAll(async () => {
  broker = await startBroker()
  project = await broker.createProject()
})
afterAll(() => broker.stop())
beforeEach(() => broker.owner.query('DELETE FROM secrets.credentials'))
afterEach(() => {
  broker.deps.now = () => new Date()
})

const dayMs = 86_400_000
const onDay = (day: number) => new Date(start.getTime() + day * dayMs)
const checkOnDay = (day: number) => {
  broker.deps.now = () => onDay(day)
  return checkExpiry(broker.deps)
}

async function create(more: object = {}): Promise<string> {
  const { status, body } = await broker.api('POST', '/api/credentials', project.asOwner, {
    name: `credential ${randomUUID().slice(0, 8)}`,
    type: 'bearer_token',
    secret: 'tok-0123456789',
    ...more,
  })
  expect(status).toBe(201)
  return body.id
}

/** What was logged of the credential, in order. */
const told = (id: string) =>
  broker
    .logged()
    .split('\n')
    .filter((line) => line.includes(id) && line.includes('"within_days"'))
    .map((line) => {
      const { kind, within_days } = JSON.parse(line) as { kind: string; within_days: number }
      return `${kind} ${within_days}`
    })

async function eventsDuring(work: () => Promise<unknown>): Promise<string[]> {
  const keys: string[] = []
  const end = randomUUID()
  let ended = () => {}
  const done = new Promise<void>((resolve) => {
    ended = resolve
  })
  await new Promise<void>((resolve) => {
    const listener = listenForEvents({
      connectionString: broker.config.DATABASE_URL,
      onEvent({ topic, key }) {
        if (key === end) void listener.stop().then(ended)
        else if (topic === credentialTopics.credentialExpiring) keys.push(key)
      },
      onGap: resolve,
      onError() {},
    })
  })
  await work()
  await broker.owner.query(`SELECT pg_notify('opsconductor_events', $1)`, [
    JSON.stringify({ topic: 'test', key: end }),
  ])
  await done
  return keys
}

test('003.25 what expires is told 30, 14, 7, 1 and 0 days before, once each, by an event and a log line', async () => {
  const id = await create({ expires_at: onDay(40).toISOString() })
  const heard = await eventsDuring(async () => {
    for (let day = 0; day <= 45; day += 0.5) await checkOnDay(day)
  })
  expect(told(id)).toEqual(['expiry 30', 'expiry 14', 'expiry 7', 'expiry 1', 'expiry 0'])
  expect(heard).toEqual(Array(5).fill(id))
})

test('000.26 a certificate that expires is told of by itself, but not twice where the credential ends with it', async () => {
  const setCertificate = (id: string, at: Date) =>
    broker.owner.query('UPDATE secrets.credentials SET certificate_expires_at = $2 WHERE id = $1', [id, at])
  const [own, same] = [
    await create({ expires_at: onDay(60).toISOString() }),
    await create({ expires_at: onDay(10).toISOString() }),
  ]
  await setCertificate(own, onDay(10))
  await setCertificate(same, onDay(10))
  await checkOnDay(0)
  expect(told(own)).toEqual(['certificate 14'])
  expect(told(same)).toEqual(['expiry 14'])
})

test('003.25 a secret that is due for rotation is told of, and again only after it was rotated', async () => {
  const id = await create({ rotate_every_days: 20 })
  await checkOnDay(0)
  await checkOnDay(21)
  await checkOnDay(22)
  expect(told(id)).toEqual(['rotation 30', 'rotation 0'])
  const { body } = await broker.api('PUT', `/api/credentials/${id}`, project.asOwner, {
    secret: 'tok-9876543210',
  })
  expect(body.rotated_at).toBe(onDay(22).toISOString())
  await checkOnDay(22)
  expect(told(id)).toEqual(['rotation 30', 'rotation 0', 'rotation 30'])
})

test('of several thresholds that were passed at once only the nearest is told; a clock that is set back repeats none', async () => {
  const id = await create({ expires_at: onDay(5).toISOString() })
  for (const day of [0, 4.5, 0, 4.5]) await checkOnDay(day)
  expect(told(id)).toEqual(['expiry 7', 'expiry 1'])
})

test('many checks at once, as of several processes, tell of each credential once', async () => {
  const ids = await Promise.all(
    Array.from({ length: 8 }, () => create({ expires_at: onDay(3).toISOString() })),
  )
  broker.deps.now = () => onDay(0)
  const heard = await eventsDuring(() =>
    Promise.all(Array.from({ length: 6 }, () => checkExpiry(broker.deps))),
  )
  expect(heard.sort()).toEqual(ids.sort())
})

test('a new date is told of anew; what is deleted or not active is not told of', async () => {
  const [moved, deleted, off] = [
    await create({ expires_at: onDay(5).toISOString() }),
    await create({ expires_at: onDay(5).toISOString() }),
    await create({ expires_at: onDay(5).toISOString(), is_active: false }),
  ]
  await broker.api('DELETE', `/api/credentials/${deleted}`, project.asOwner)
  await checkOnDay(0)
  await broker.api('PUT', `/api/credentials/${moved}`, project.asOwner, {
    expires_at: onDay(6).toISOString(),
  })
  await checkOnDay(0)
  expect([told(moved), told(deleted), told(off)]).toEqual([['expiry 7', 'expiry 7'], [], []])
})

test('the gauges count what expires within each threshold, and name nothing', async () => {
  const gauges = async () => {
    const { text } = await broker.internal('GET', '/metrics')
    return text.split('\n').filter((line) => /^secrets_credential(s_expiring|_expiry|s_rotation)/.test(line))
  }
  await checkOnDay(0)
  expect(await gauges()).toContain('secrets_credential_expiry_seconds +Inf')
  await create({ name: 'a' })
  await create({ name: 'b', expires_at: onDay(20).toISOString() })
  await create({ name: 'c', expires_at: onDay(5).toISOString(), rotate_every_days: 3 })
  await create({ name: 'd', expires_at: onDay(1).toISOString() })
  await checkOnDay(4)
  expect((await gauges()).sort()).toEqual([
    `secrets_credential_expiry_seconds ${-3 * 86_400}`,
    'secrets_credentials_expiring{within_days="0"} 1',
    'secrets_credentials_expiring{within_days="1"} 2',
    'secrets_credentials_expiring{within_days="14"} 2',
    'secrets_credentials_expiring{within_days="30"} 3',
    'secrets_credentials_expiring{within_days="7"} 2',
    'secrets_credentials_rotation_overdue 1',
  ])
})

test('the service checks as soon as it has started', async () => {
  const id = await create({ expires_at: new Date(Date.now() + 3 * dayMs).toISOString() })
  broker.deps.chores.start()
  await broker.deps.chores.stop()
  expect(told(id)).toEqual(['expiry 7'])
})
