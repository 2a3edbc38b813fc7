import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createTestDatabase, type TestDatabase } from '@opsconductor/test-peers'
import type pg from 'pg'
import { createPool, databaseRoles, databaseUnavailable, transaction } from '../src/index.ts'

let database: TestDatabase
let pool: pg.Pool
beforeAll(async () => {
  database = await createTestDatabase()
  pool = createPool({ connectionString: database.ownerUrl, applicationName: 'test', onIdleError: () => {} })
  await pool.query('CREATE TABLE public.notes (text text UNIQUE)')
})
afterAll(async () => {
  await pool.end()
  await database.drop()
})

test('a transaction is whole or not at all', async () => {
  await transaction(pool, (client) => client.query("INSERT INTO public.notes VALUES ('kept')"))
  const failing = transaction(pool, async (client) => {
    await client.query("INSERT INTO public.notes VALUES ('lost')")
    throw new Error('stop')
  })
  await expect(failing).rejects.toThrow('stop')
  expect((await pool.query('SELECT text FROM public.notes')).rows).toEqual([{ text: 'kept' }])
})

test('a connection cut in the middle of a transaction is not used again, and reads as an outage', async () => {
  const cut = transaction(pool, (client) => client.query('SELECT pg_terminate_backend(pg_backend_pid())'))
  const error = await cut.catch((e: unknown) => e)
  expect(databaseUnavailable(error)?.code).toBe('service_unavailable')
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
})

test('a connection cut on its way from one user to the next ends nothing but that connection', async () => {
  const one = createPool({
    connectionString: database.ownerUrl,
    applicationName: 'test',
    connectionsMax: 1,
    onIdleError: () => {},
  })
  const first = await one.connect()
  const waiting = one.connect()
  first.release()
  // As when the last answer and the end of the connection arrive in one piece.
  first.emit('error', new Error('terminating connection due to administrator command'))
  const second = await waiting
  second.release()
  expect((await one.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  await one.end()
})

/** The tables of a schema, each with whether `role` may do any of `verbs` to it. */
async function rightsOf(role: string, verbs: string, schema: string) {
  const { rows } = await pool.query<{ name: string; may: boolean }>(
    `SELECT oid::regclass::text AS name, has_table_privilege($1, oid, $2) AS may
     FROM pg_class WHERE relkind = 'r' AND relnamespace = $3::regnamespace`,
    [role, verbs, schema],
  )
  expect(rows.length).toBeGreaterThan(0)
  return rows
}

test('a service’s role reads and writes its own schema and no other', async () => {
  for (const [service, { role, schema }] of Object.entries(databaseRoles) as [
    keyof typeof databaseRoles,
    { role: string; schema: string },
  ][]) {
    const own = createPool({
      connectionString: database.urlOf(service),
      applicationName: 'test',
      onIdleError: () => {},
    })
    // The head of the access log is one row, which is moved and never made.
    const movedOnly = { name: 'secrets.access_log_head', may: false }
    expect((await rightsOf(role, 'SELECT', schema)).filter(({ may }) => !may)).toEqual([])
    expect((await rightsOf(role, 'INSERT', schema)).filter(({ may }) => !may)).toEqual(
      schema === 'secrets' ? [movedOnly] : [],
    )
    for (const { name } of await rightsOf(role, 'SELECT', schema)) await own.query(`SELECT 1 FROM ${name}`)
    for (const other of Object.values(databaseRoles).filter((each) => each.schema !== schema)) {
      const rights = await rightsOf(role, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE', other.schema)
      expect(rights.filter(({ may }) => may)).toEqual([])
      for (const { name } of rights)
        await expect(own.query(`SELECT 1 FROM ${name}`)).rejects.toMatchObject({ code: '42501' })
    }
    await expect(own.query(`CREATE TABLE ${schema}.mine (a int)`)).rejects.toMatchObject({ code: '42501' })
    await own.end()
  }
})
