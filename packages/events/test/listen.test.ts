import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createTestDatabase, type TestDatabase } from '@opsconductor/test-peers'
import pg from 'pg'
import { type ChangeEvent, type EventListener, listenForEvents, publishEvent } from '../src/index.ts'

let database: TestDatabase
let owner: pg.Client
let listener: EventListener
const events: ChangeEvent[] = []
let gaps = 0
let waiting: (() => void)[] = []
const somethingHappened = () => {
  for (const wake of waiting) wake()
  waiting = []
}
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => waiting.push(resolve))
}
const execute = (sql: string, ...parameters: string[]) => owner.query(sql, parameters)

beforeAll(async () => {
  database = await createTestDatabase()
  owner = new pg.Client({ connectionString: database.ownerUrl })
  await owner.connect()
  listener = listenForEvents({
    connectionString: database.urlOf('executor'),
    onEvent(event) {
      events.push(event)
      somethingHappened()
    },
    onGap() {
      gaps++
      somethingHappened()
    },
    onError: somethingHappened,
  })
  await until(() => gaps === 1)
})
afterAll(async () => {
  await listener.stop()
  await owner.end()
  await database.drop()
})

test('a change is announced when its transaction commits, and not at all when it rolls back', async () => {
  await owner.query('BEGIN')
  await publishEvent(execute, { topic: 't', key: 'rolled back' })
  await owner.query('ROLLBACK')
  await owner.query('BEGIN')
  await publishEvent(execute, { topic: 't', key: 'committed \' " ü' })
  await owner.query('COMMIT')
  await until(() => events.length > 0)
  expect(events).toEqual([{ topic: 't', key: 'committed \' " ü' }])
})

test('what is not an event of ours is ignored', async () => {
  const before = events.length
  for (const payload of ['', 'text', '[]', '{"topic":1}'])
    await owner.query("SELECT pg_notify('opsconductor_events', $1)", [payload])
  await publishEvent(execute, { topic: 't', key: 'after' })
  await until(() => events.length > before)
  expect(events.slice(before)).toEqual([{ topic: 't', key: 'after' }])
})

test('a lost connection is renewed, and the gap is told before anything is trusted again', async () => {
  const before = gaps
  await owner.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  )
  await until(() => gaps > before)
  expect(listener.connected()).toBe(true)
  const count = events.length
  await publishEvent(execute, { topic: 't', key: 'again' })
  await until(() => events.length > count)
})
