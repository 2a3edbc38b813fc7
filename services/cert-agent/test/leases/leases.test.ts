import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createTestDatabase, type TestDatabase } from '@opsconductor/test-peers'
import pg from 'pg'
import { createLeases } from '../../src/leases/leases.ts'

const never = new AbortController().signal

let database: TestDatabase
let pools: pg.Pool[]
/** As many processes have them; they try again often. */
let one: ReturnType<typeof createLeases>
let other: ReturnType<typeof createLeases>
const newPool = () => {
  const pool = new pg.Pool({ connectionString: database.urlOf('cert-agent'), max: 4 })
  pools.push(pool)
  return pool
}
beforeAll(async () => {
  database = await createTestDatabase()
  pools = []
  one = createLeases(newPool(), { tryAgainMs: 10 })
  other = createLeases(newPool(), { tryAgainMs: 10 })
})
afterAll(async () => {
  for (const pool of pools ?? []) if (!pool.ended) await pool.end()
  await database?.drop()
})

/** Work that has begun, and ends when it is told to. */
async function begin(
  lend: (work: (signal: AbortSignal) => Promise<void>) => Promise<void>,
): Promise<{ signal: AbortSignal; end(): Promise<void> }> {
  const [begun, ending] = [Promise.withResolvers<AbortSignal>(), Promise.withResolvers<void>()]
  const done = lend(async (signal) => {
    begun.resolve(signal)
    await ending.promise
  })
  return {
    signal: await Promise.race([begun.promise, done.then(() => Promise.reject(new Error('never begun')))]),
    end() {
      ending.resolve()
      return done
    },
  }
}

const isLeft = async (key: string): Promise<boolean> => {
  const { rowCount } = await (pools[0] as pg.Pool).query('SELECT FROM cert_agent.leases WHERE key = $1', [
    key,
  ])
  return rowCount === 1
}

test('004.08 work under one lease never overlaps, in one process or in two; not even of one operation', async () => {
  const key = `certificate:${randomUUID()}`
  let underWay = 0
  const work = async () => {
    expect(++underWay).toBe(1)
    await new Promise((resolve) => setImmediate(resolve))
    underWay--
  }
  await Promise.all([one, other, one, other].map((leases) => leases.withLease(key, never, work)))
  expect(await isLeft(key)).toBe(false)
})

test('a shared lease is held together within a process, and given back by the last; another process waits', async () => {
  const key = `server:${randomUUID()}`
  const lend = (leases: typeof one) => (work: (signal: AbortSignal) => Promise<void>) =>
    leases.withSharedLease(key, never, work)
  const first = await begin(lend(one))
  const second = await begin(lend(one))
  let isElsewhere = false
  const third = begin(lend(other)).then((begun) => {
    isElsewhere = true
    return begun
  })
  await first.end()
  expect(await isLeft(key)).toBe(true)
  expect(isElsewhere).toBe(false)
  await second.end()
  await (await third).end()
  expect(await isLeft(key)).toBe(false)
})

test('who comes late does not join those who hold a lease, so that they cannot keep it from others for ever', async () => {
  const key = `server:${randomUUID()}`
  const strict = createLeases(newPool(), { tryAgainMs: 10, joinMsMax: 0 })
  const lend = (work: (signal: AbortSignal) => Promise<void>) => strict.withSharedLease(key, never, work)
  const first = await begin(lend)
  let isSecond = false
  const second = begin(lend).then((begun) => {
    isSecond = true
    return begun
  })
  // The second has asked by then, in vain.
  await begin((work) => strict.withLease(`other ${key}`, never, work)).then(({ end }) => end())
  expect(isSecond).toBe(false)
  await first.end()
  await (await second).end()
  expect(await isLeft(key)).toBe(false)
})

test('who is stopped while waiting leaves no lease behind, and does not stop those who wait with it', async () => {
  const key = `server:${randomUUID()}`
  const holder = await begin((work) => other.withLease(key, never, work))
  const stop = new AbortController()
  const stopped = one.withSharedLease(key, stop.signal, async () => {})
  const goesOn = begin((work) => one.withSharedLease(key, never, work))
  stop.abort(new Error('stopped'))
  await expect(stopped).rejects.toThrow('stopped')
  await holder.end()
  await (await goesOn).end()
  expect(await isLeft(key)).toBe(false)
})

test('a lease that another has taken is lost to all who hold it, and whoever comes then waits for it', async () => {
  const key = `server:${randomUUID()}`
  const quick = createLeases(newPool(), { renewEveryMs: 20, tryAgainMs: 10 })
  const lend = (work: (signal: AbortSignal) => Promise<void>) => quick.withSharedLease(key, never, work)
  const held = [await begin(lend), await begin(lend)]
  await (pools[0] as pg.Pool).query('UPDATE cert_agent.leases SET holder = $1 WHERE key = $2', [
    randomUUID(),
    key,
  ])
  for (const { signal } of held) {
    if (!signal.aborted) await once(signal, 'abort')
    expect(signal.reason).toMatchObject({ code: 'conflict' })
  }
  for (const { end } of held) await end()
  expect(await isLeft(key)).toBe(true)
  const later = begin(lend)
  await (pools[0] as pg.Pool).query('UPDATE cert_agent.leases SET expires_at = now() WHERE key = $1', [key])
  await (await later).end()
})

test('a lease that cannot be renewed, as the database is away, is lost before another can have it', async () => {
  const pool = newPool()
  const quick = createLeases(pool, { leaseMs: 100, renewEveryMs: 20 })
  const { signal, end } = await begin((work) => quick.withLease(`server:${randomUUID()}`, never, work))
  await pool.end()
  if (!signal.aborted) await once(signal, 'abort')
  expect(signal.reason).toMatchObject({ code: 'service_unavailable' })
  await end()
})
