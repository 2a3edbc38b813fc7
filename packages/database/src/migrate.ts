import { fileURLToPath } from 'node:url'
import pg from 'pg'

/** The login role and schema of each service that keeps data. */
export const databaseRoles = {
  'api-key': { role: 'svc_api_key', schema: 'api_key' },
  'secrets-broker': { role: 'svc_secrets_broker', schema: 'secrets' },
  executor: { role: 'svc_executor', schema: 'executor' },
  'interface-registry': { role: 'svc_interface_registry', schema: 'interface_registry' },
  'cert-agent': { role: 'svc_cert_agent', schema: 'cert_agent' },
} as const

/** Applies what is missing of `migrations/`, one transaction each; answers the names applied. Needs the owner's URL. */
export function migrate(databaseUrl: string): Promise<string[]> {
  return run(databaseUrl, 'up')
}

/**
 * Takes the last `count` migrations back, the newest first, with all that is in their tables; answers their names. Needs
 * the owner's URL.
 */
export function rollBack(databaseUrl: string, count: number): Promise<string[]> {
  return run(databaseUrl, 'down', count)
}

async function run(databaseUrl: string, direction: 'up' | 'down', count?: number): Promise<string[]> {
  // Services never migrate.
  const { runner } = await import('node-pg-migrate')
  const done = await runner({
    databaseUrl,
    dir: fileURLToPath(new URL('../../../migrations', import.meta.url)),
    direction,
    ...(count === undefined ? {} : { count }),
    migrationsTable: 'schema_migrations',
    migrationsSchema: 'public',
    singleTransaction: false,
    log: () => {},
  })
  return done.map((migration) => migration.name)
}

/** Gives each service's login role its password. The roles themselves come with the migrations. */
export async function setRolePasswords(
  databaseUrl: string,
  passwordOf: (role: string) => string,
): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    for (const { role } of Object.values(databaseRoles))
      await client.query(
        `ALTER ROLE ${client.escapeIdentifier(role)} LOGIN PASSWORD ${client.escapeLiteral(passwordOf(role))}`,
      )
  } finally {
    await client.end()
  }
}

/** `databaseUrl` as seen by a service's own role. */
export function urlForRole(databaseUrl: string, role: string, password: string): string {
  const url = new URL(databaseUrl)
  url.username = role
  url.password = encodeURIComponent(password)
  return url.href
}
