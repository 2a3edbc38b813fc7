import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type RunningBroker, startBroker } from './running-broker.ts'

const root = new URL('../../../', import.meta.url)
const migrations = readdirSync(new URL('migrations/', root))
  .filter((file) => file.endsWith('.sql'))
  .sort()
  .map((file) => file.replace('.sql', ''))

/** Runs `npm run migrate -- …` as the owner of the database. */
function runMigrate(databaseUrl: string, ...arguments_: string[]) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const script = fileURLToPath(new URL('infra/scripts/migrate.ts', root))
    const env = {
      PATH: process.env.PATH,
      DATABASE_URL: databaseUrl,
      // The roles are of the whole server, so they keep the passwords that every test has.
      SVC_API_KEY_PASSWORD: 'test',
      SVC_SECRETS_BROKER_PASSWORD: 'test',
      SVC_EXECUTOR_PASSWORD: 'test',
      SVC_INTERFACE_REGISTRY_PASSWORD: 'test',
      SVC_CERT_AGENT_PASSWORD: 'test',
    }
    const options = { env, timeout: 25_000 }
    const child = execFile(process.execPath, [script, ...arguments_], options, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    )
  })
}

/** Every column, constraint, index and privilege of our schemas, as one text. */
async function describeSchema({ owner }: RunningBroker): Promise<string[]> {
  const schemas = "('api_key', 'secrets', 'executor', 'interface_registry', 'cert_agent')"
  const { rows } = await owner.query<{ line: string }>(`
    SELECT format('%s.%s.%s %s %s %s', table_schema, table_name, column_name, data_type, is_nullable, column_default)
      AS line FROM information_schema.columns WHERE table_schema IN ${schemas}
    UNION ALL SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
      FROM pg_constraint WHERE connamespace::regnamespace::text IN ${schemas}
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname IN ${schemas}
    UNION ALL SELECT format('%s.%s %s %s', table_schema, table_name, grantee, privilege_type)
      FROM information_schema.role_table_grants WHERE table_schema IN ${schemas}
    UNION ALL SELECT format('%s %s', defaclnamespace::regnamespace, defaclacl) FROM pg_default_acl
    ORDER BY 1`)
  return rows.map(({ line }) => line)
}

const tablesOf = async ({ owner }: RunningBroker): Promise<string[]> => {
  const { rows } = await owner.query<{ name: string }>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'secrets' ORDER BY 1",
  )
  return rows.map(({ name }) => name)
}

const lookup = '/internal/secrets/credential-lookup'
const web = { host: 'web-01', purpose: 'ssh' }

async function fill(broker: RunningBroker) {
  await broker.internal('POST', '/internal/secrets/credential-upsert', { ...web, password: 'rollback-ssh' })
  expect((await broker.internal('POST', lookup, web)).status).toBe(200)
  const { asOwner } = await broker.createProject()
  const created = await broker.api('POST', '/api/credentials', asOwner, {
    name: 'token',
    type: 'bearer_token',
    secret: 'rollback-token',
  })
  expect(created.status).toBe(201)
}

let broker: RunningBroker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker.stop())

test('003.21 004.12 every migration is taken back from a database in use, and applied again to the same schema', async () => {
  await fill(broker)
  const { ownerUrl } = broker.database
  const before = await describeSchema(broker)
  expect(before.length).toBeGreaterThan(100)

  for (const name of [...migrations].reverse())
    expect(await runMigrate(ownerUrl, '--down', '1')).toEqual({
      code: 0,
      stdout: `took back ${name}\n`,
      stderr: '',
    })
  expect(await describeSchema(broker)).toEqual([])
  expect((await runMigrate(ownerUrl, '--down', '1')).stdout).toBe('there is nothing to take back\n')

  expect((await runMigrate(ownerUrl)).stdout).toBe(`applied ${migrations.join(', ')}\n`)
  expect(await describeSchema(broker)).toEqual(before)
})

test('003.21 a broker on a database that was rolled back and migrated again begins anew', async () => {
  const { owner, database } = broker
  for (const table of ['host_credentials', 'credentials', 'credential_access_log', 'master_keys'])
    expect((await owner.query(`SELECT * FROM secrets.${table}`)).rowCount).toBe(0)
  const again = await startBroker({ DATABASE_URL: database.urlOf('secrets-broker') })
  try {
    const upserted = await again.internal('POST', '/internal/secrets/credential-upsert', {
      ...web,
      password: 'begun-anew',
    })
    expect(upserted.body).toMatchObject({ success: true, credential_id: 1 })
    expect((await again.internal('POST', lookup, web)).body.password).toBe('begun-anew')
  } finally {
    await again.stop()
  }
})

test("003.21 the seed's rollback takes its own two tables away; the schema stays, because more is in it, and npm run migrate takes the rest back", async () => {
  const other = await startBroker()
  try {
    await fill(other)
    const { owner, database } = other
    const tables = await tablesOf(other)
    await owner.query('DROP TABLE IF EXISTS secrets.credential_access_log')
    await owner.query('DROP TABLE IF EXISTS secrets.host_credentials')
    await expect(owner.query('DROP SCHEMA IF EXISTS secrets')).rejects.toMatchObject({ code: '2BP01' })
    expect(await tablesOf(other)).toEqual(
      tables.filter((name) => !['credential_access_log', 'host_credentials'].includes(name)),
    )
    expect((await owner.query('SELECT * FROM secrets.credentials')).rowCount).toBe(1)

    const downTo = migrations.findIndex((name) => name.startsWith('0003'))
    const { code, stderr } = await runMigrate(database.ownerUrl, '--down', String(migrations.length - downTo))
    expect([code, stderr]).toEqual([0, ''])
    expect(await tablesOf(other)).toEqual([])
    await owner.query('DROP SCHEMA IF EXISTS secrets')
  } finally {
    await other.stop()
  }
})

test.each([['0'], ['-1'], ['all'], ['1.5'], ['']])(
  '--down %j is refused and changes nothing',
  async (count) => {
    const { code, stdout, stderr } = await runMigrate(broker.database.ownerUrl, `--down=${count}`)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toBe('migrate: --down must say how many migrations to take back\n')
  },
)
