import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createTestDatabase, type TestDatabase } from '@opsconductor/test-peers'
import pg from 'pg'

let database: TestDatabase
let client: pg.Client
beforeAll(async () => {
  database = await createTestDatabase()
  client = new pg.Client({ connectionString: database.ownerUrl })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await database.drop()
})

async function columnsOf(table: string): Promise<string[]> {
  const { rows } = await client.query(
    `SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
       || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') AS text
     FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = $1::regclass AND a.attnum > 0 ORDER BY a.attnum`,
    [table],
  )
  return rows.map(({ text }) => text)
}

async function indexesOf(table: string): Promise<string[]> {
  const { rows } = await client.query(
    `SELECT indexdef FROM pg_indexes WHERE schemaname || '.' || tablename = $1 ORDER BY indexname`,
    [table],
  )
  return rows.map(({ indexdef }) =>
    indexdef.replace(/^CREATE (UNIQUE )?INDEX (\w+) ON secrets\.\w+ USING btree /, '$2 $1'),
  )
}

test('003.11 host_credentials has every column, default, constraint and index of the seed', async () => {
  expect(await columnsOf('secrets.host_credentials')).toEqual([
    "id integer not null default nextval('secrets.host_credentials_id_seq'::regclass)",
    'host character varying(255) not null',
    'purpose character varying(50) not null',
    'username character varying(255)',
    'password_encrypted text',
    'domain character varying(255)',
    "additional_data jsonb default '{}'::jsonb",
    'created_at timestamp(6) with time zone default CURRENT_TIMESTAMP',
    'updated_at timestamp(6) with time zone default CURRENT_TIMESTAMP',
    'created_by character varying(100)',
    'updated_by character varying(100)',
    'key_id character varying(64)',
    'project_id uuid',
    "label character varying(100) not null default ''::character varying",
    'version integer not null default 1',
  ])
  expect(await indexesOf('secrets.host_credentials')).toEqual([
    'host_credentials_host_purpose_label_key UNIQUE (host, purpose, label)',
    'host_credentials_pkey UNIQUE (id)',
    'idx_host_credentials_host (host)',
    'idx_host_credentials_host_purpose (host, purpose)',
    'idx_host_credentials_purpose (purpose)',
  ])
})

test('003.11 credential_access_log has every column, default, constraint and index of the seed, and outlives a credential', async () => {
  expect((await columnsOf('secrets.credential_access_log')).slice(0, 10)).toEqual([
    'id bigint not null',
    'credential_id integer',
    'host character varying(255) not null',
    'purpose character varying(50) not null',
    'accessed_by character varying(100)',
    'access_type character varying(50) not null',
    'success boolean default true',
    'error_message text',
    'ip_address inet',
    'accessed_at timestamp(6) with time zone default CURRENT_TIMESTAMP',
  ])
  expect(await indexesOf('secrets.credential_access_log')).toEqual(
    expect.arrayContaining([
      'idx_credential_access_log_credential_id (credential_id)',
      'idx_credential_access_log_accessed_at (accessed_at)',
      'idx_credential_access_log_host (host)',
    ]),
  )
  const { rows } = await client.query(
    `SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint
     WHERE conrelid = 'secrets.credential_access_log'::regclass AND contype = 'f'`,
  )
  expect(rows).toEqual([
    { definition: 'FOREIGN KEY (credential_id) REFERENCES secrets.host_credentials(id) ON DELETE SET NULL' },
  ])
})
