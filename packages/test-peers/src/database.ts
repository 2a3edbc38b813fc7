import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { databaseRoles, migrate, setRolePasswords, urlForRole } from '@opsconductor/database'
import pg from 'pg'
import { requirePeer } from './peer.ts'

export interface TestDatabase {
  /** As the owner of every schema. */
  ownerUrl: string
  /** As the service's own role. */
  urlOf(service: keyof typeof databaseRoles): string
  /** Breaks every connection of the service to this database, as a restart of PostgreSQL does; answers how many. */
  cutConnections(service: keyof typeof databaseRoles): Promise<number>
  drop(): Promise<void>
}

const rolePassword = 'test'

/** A database of its own with every migration applied, copied from a template that is made once per set of migrations. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const adminUrl = requirePeer('TEST_DATABASE_URL', 'PostgreSQL')
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  try {
    const template = `template_${migrationsHash()}`
    const name = `test_${randomBytes(8).toString('hex')}`
    await admin.query('SELECT pg_advisory_lock(4711)')
    await ensureTemplate(admin, adminUrl, template)
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`)
    await admin.query('SELECT pg_advisory_unlock(4711)')
    const ownerUrl = withDatabase(adminUrl, name)
    return {
      ownerUrl,
      urlOf: (service) => urlForRole(ownerUrl, databaseRoles[service].role, rolePassword),
      cutConnections: (service) => cutConnections(adminUrl, name, databaseRoles[service].role),
      drop: () => dropDatabase(adminUrl, name),
    }
  } finally {
    await admin.end()
  }
}

async function ensureTemplate(admin: pg.Client, adminUrl: string, template: string): Promise<void> {
  const existing = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [template])
  if (existing.rowCount !== 0) return
  const making = `making_${randomBytes(4).toString('hex')}`
  await admin.query(`CREATE DATABASE ${making}`)
  await migrate(withDatabase(adminUrl, making))
  await setRolePasswords(adminUrl, () => rolePassword)
  await admin.query(`ALTER DATABASE ${making} RENAME TO ${template}`)
}

async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await queryAsAdmin(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
}

async function cutConnections(adminUrl: string, name: string, role: string): Promise<number> {
  const sql = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND usename = $2'
  return (await queryAsAdmin(adminUrl, sql, [name, role])).rowCount ?? 0
}

async function queryAsAdmin(adminUrl: string, sql: string, values?: unknown[]) {
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  try {
    return await admin.query(sql, values)
  } finally {
    await admin.end()
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}

function migrationsHash(): string {
  const directory = fileURLToPath(new URL('../../../migrations/', import.meta.url))
  const hash = createHash('sha256')
  for (const file of readdirSync(directory).sort()) hash.update(file).update(readFileSync(directory + file))
  return hash.digest('hex').slice(0, 12)
}
