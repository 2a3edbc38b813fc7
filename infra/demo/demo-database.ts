import pg from 'pg'
import { ensureDatabase } from '../local/postgres.ts'

export const demoDatabaseName = 'opsconductor_demo'
const reader = 'demo_reader'

const catalogue = [
  ['api-key', 'Identity', 'tier-1', 'identity-oncall@example.com'],
  ['secrets-broker', 'Security', 'tier-0', 'security-oncall@example.com'],
  ['executor', 'Automation', 'tier-1', 'automation-oncall@example.com'],
  ['interface-registry', 'Automation', 'tier-1', 'automation-oncall@example.com'],
  ['cert-agent', 'Security', 'tier-1', 'security-oncall@example.com'],
] as const

/** Makes the demo job's database: a service catalogue that `demo_reader` may read. Answers the reader's DSN. */
export async function setUpDemoDatabase(adminUrl: string, password: string): Promise<string> {
  await ensureDatabase(adminUrl, demoDatabaseName)
  const url = new URL(adminUrl)
  url.pathname = `/${demoDatabaseName}`
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [reader])
    await client.query(
      `${rowCount === 0 ? 'CREATE' : 'ALTER'} ROLE ${reader} LOGIN PASSWORD ${client.escapeLiteral(password)}`,
    )
    await client.query(`
      CREATE TABLE IF NOT EXISTS service_catalogue (
        name text PRIMARY KEY, owner_team text NOT NULL, tier text NOT NULL, on_call text NOT NULL
      );
      GRANT SELECT ON service_catalogue TO ${reader}`)
    for (const row of catalogue)
      await client.query('INSERT INTO service_catalogue VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING', [
        ...row,
      ])
  } finally {
    await client.end()
  }
  url.username = reader
  url.password = encodeURIComponent(password)
  return url.href
}
