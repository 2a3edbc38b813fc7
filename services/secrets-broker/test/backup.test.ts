import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { databaseRoles, migrate, setRolePasswords, urlForRole } from '@opsconductor/database'
import {
  type PostgresWithTools,
  postgresToolsAreMissing,
  runPostgresTool,
  startPostgresWithTools,
  testInternalKey,
} from '@opsconductor/test-peers'
import pg from 'pg'
import { credKey, kmsKey, type RunningBroker, startBroker } from './running-broker.ts'

const databaseTest = postgresToolsAreMissing() ? test.skip : test
const { role } = databaseRoles['secrets-broker']
const rolePassword = 'test'

const servers: PostgresWithTools[] = []
let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'backup-'))
})
afterAll(async () => {
  for (const server of servers) await server.close()
  rmSync(scratch, { recursive: true, force: true })
})

/** A new server with what `npm run migrate` makes on it. */
async function createFreshStack(): Promise<string> {
  const server = await startPostgresWithTools()
  servers.push(server)
  const url = await server.createDatabase('opsconductor')
  await migrate(url)
  await setRolePasswords(url, () => rolePassword)
  return url
}

async function withBroker<T>(url: string, work: (broker: RunningBroker) => Promise<T>): Promise<T> {
  const broker = await startBroker({ DATABASE_URL: urlForRole(url, role, rolePassword) })
  try {
    return await work(broker)
  } finally {
    await broker.stop()
  }
}

async function query(url: string, sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql, values)).rows
  } finally {
    await client.end()
  }
}

function run(script: string, env: Record<string, string>) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const file = fileURLToPath(new URL(`../../../${script}`, import.meta.url))
    const options = { env: { PATH: process.env.PATH, ...env }, timeout: 25_000 }
    const child = execFile(process.execPath, [file], options, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    )
  })
}

/** What `npm run audit:verify` says. */
const verifyLog = async (url: string) => {
  const { stdout, stderr } = await run('infra/scripts/audit-verify.ts', { DATABASE_URL: url })
  return stdout + stderr
}

const projectId = randomUUID()
const hosts = ['web-01', 'web-02', 'db-01'].map((host) => ({ host, purpose: 'ssh' }))
const passwordOf = (host: string) => `backed-up-password-of-${host}`
const given = {
  basic: { type: 'http_basic', secret: { password: 'backed-up-basic' }, extra: { username: 'u' } },
  token: { type: 'bearer_token', secret: { token: 'backed-up-token' }, extra: {} },
  parts: { type: 'custom', secret: { one: 'backed-up-one', two: 'backed-up-two' }, extra: {} },
}

const lookup = async (broker: RunningBroker, key: object) =>
  (await broker.internal('POST', '/internal/secrets/credential-lookup', key)).body.password

async function fill(url: string, broker: RunningBroker): Promise<void> {
  await query(url, 'INSERT INTO api_key.projects (id, name) VALUES ($1::uuid, $1::text)', [projectId])
  const { token } = await broker.people.createUser({ role: 'owner', projectId })
  const asOwner = { authorization: `Bearer ${token}` }
  const upsert = '/internal/secrets/credential-upsert'
  for (const key of [...hosts, { host: 'gone', purpose: 'ssh' }])
    await broker.internal('POST', upsert, { ...key, password: passwordOf(key.host) })
  await broker.internal('DELETE', '/internal/secrets/credential-delete?host=gone&purpose=ssh')
  for (const [name, credential] of Object.entries(given))
    expect((await broker.api('POST', '/api/credentials', asOwner, { name, ...credential })).status).toBe(201)
}

/** That every secret is there, as it was given. */
async function assertAllOpen(broker: RunningBroker): Promise<void> {
  for (const key of hosts) expect(await lookup(broker, key)).toBe(passwordOf(key.host))
  for (const [name, { secret }] of Object.entries(given)) {
    const use = broker.executor.useOf(projectId, name)
    const { body } = await broker.internal('POST', `/internal/secrets/credentials/${name}/use`, use)
    expect(body.secret).toEqual(secret)
  }
}

/** Looks up without pause until `work` is done; answers how often. */
async function lookUpWhile(broker: RunningBroker, work: Promise<unknown>): Promise<number> {
  let count = 0
  let done = false
  void work.finally(() => {
    done = true
  })
  for (; !done; count++) expect(await lookup(broker, hosts[0] as object)).toBe(passwordOf('web-01'))
  return count
}

databaseTest(
  '003.22 a backup made while the broker works is restored into a fresh stack: every secret opens, the access log is intact, another key is refused',
  async () => {
    const dump = join(scratch, 'opsconductor.dump')
    const source = await createFreshStack()
    await withBroker(source, async (broker) => {
      await fill(source, broker)
      const dumping = runPostgresTool('pg_dump', '--format=custom', `--file=${dump}`, source)
      expect(await lookUpWhile(broker, dumping)).toBeGreaterThan(0)
      await dumping
    })
    const asText = await runPostgresTool('pg_restore', '--file=-', dump)
    expect(asText).toContain('COPY secrets.host_credentials')
    expect(asText).not.toMatch(/backed-up/)

    const fresh = await createFreshStack()
    await restore(fresh, dump)
    expect(await verifyLog(fresh)).toMatch(/^[1-9]\d* rows verified, head /)
    await withBroker(fresh, async (broker) => {
      await assertAllOpen(broker)
      const after = { host: 'new-01', purpose: 'ssh', password: passwordOf('new-01') }
      expect((await broker.internal('POST', '/internal/secrets/credential-upsert', after)).status).toBe(200)
    })
    expect(await verifyLog(fresh)).toMatch(/^[1-9]\d* rows verified, head /)
    const rights = `SELECT has_table_privilege($1, 'secrets.credential_access_log', 'INSERT') AS insert,
      has_table_privilege($1, 'secrets.credential_access_log', 'UPDATE, DELETE') AS change`
    expect(await query(fresh, rights, [role])).toEqual([{ insert: true, change: false }])

    for (const variable of ['SECRETS_KMS_KEY', 'ORCH_CRED_KEY']) {
      const { code, stderr } = await run('services/secrets-broker/src/main.ts', {
        ...{ PUBLIC_PORT: '0', INTERNAL_PORT: '0', INTERNAL_KEY: testInternalKey },
        ...{ SECRETS_KMS_KEY: kmsKey, ORCH_CRED_KEY: credKey },
        DATABASE_URL: urlForRole(fresh, role, rolePassword),
        [variable]: 'another-key-0123456789',
      })
      expect([code, stderr]).toEqual([1, expect.stringMatching(/is not the key that encrypted the stored/)])
    }
    await withBroker(fresh, assertAllOpen)
  },
  90_000,
)

databaseTest(
  '003.22 the secrets alone are restored over damaged ones, and what other services have done since stays',
  async () => {
    const dump = join(scratch, 'before-damage.dump')
    const url = await createFreshStack()
    await withBroker(url, (broker) => fill(url, broker))
    await runPostgresTool('pg_dump', '--format=custom', `--file=${dump}`, url)

    const later = randomUUID()
    await query(url, 'INSERT INTO api_key.projects (id, name) VALUES ($1::uuid, $1::text)', [later])
    await query(url, "UPDATE secrets.host_credentials SET password_encrypted = 'AAAA'")
    await query(url, 'DELETE FROM secrets.credentials')
    await query(url, "UPDATE secrets.credential_access_log SET host = 'nobody' WHERE id = 2")
    expect(await verifyLog(url)).toMatch(/^row 2: changed/)

    await restore(url, dump, '--schema=secrets')
    expect(await verifyLog(url)).toMatch(/^[1-9]\d* rows verified, head /)
    await withBroker(url, assertAllOpen)
    expect(await query(url, 'SELECT id FROM api_key.projects ORDER BY created_at')).toEqual([
      { id: projectId },
      { id: later },
    ])
  },
  60_000,
)

const restore = (url: string, dump: string, ...more: string[]) =>
  runPostgresTool(
    'pg_restore',
    ...['--clean', '--if-exists', '--single-transaction', ...more, `--dbname=${url}`, dump],
  )
