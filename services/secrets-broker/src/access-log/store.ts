import type pg from 'pg'
import { type ChainedRow, type ChainHead, oneSpelling, type StoredRow } from './chain.ts'

interface HeadRow {
  last_id: string
  hash: string
}

function toHead(row: HeadRow | undefined): ChainHead {
  if (row === undefined) throw new Error('secrets.access_log_head is empty: somebody took its row away')
  return { lastId: BigInt(row.last_id), hash: row.hash }
}

/** The last row of the chain, as it is now. */
export async function selectHead(executor: pg.Pool | pg.ClientBase): Promise<ChainHead> {
  const { rows } = await executor.query<HeadRow>({
    name: 'select-access-log-head',
    text: "SELECT last_id, encode(chain_hash, 'hex') AS hash FROM secrets.access_log_head",
  })
  return toHead(rows[0])
}

/** The same, and nobody else appends until the transaction has ended. */
export async function lockHead(client: pg.PoolClient): Promise<ChainHead> {
  const { rows } = await client.query<HeadRow>({
    name: 'lock-access-log-head',
    text: "SELECT last_id, encode(chain_hash, 'hex') AS hash FROM secrets.access_log_head FOR UPDATE",
  })
  return toHead(rows[0])
}

// One statement, so one commit and one round trip: the head moves and the rows are there, or neither. The sub-select: a
// credential that was or is just being deleted must not keep its access from being logged. Not waiting for who deletes it
// also keeps one order of locks: whoever changes a credential holds it first and the head last.
const appendSql = `
WITH head AS (
  UPDATE secrets.access_log_head SET last_id = $1, chain_hash = decode($2, 'hex')
  WHERE chain_hash = decode($3, 'hex') RETURNING last_id
)
INSERT INTO secrets.credential_access_log
  (id, credential_id, host, purpose, accessed_by, access_type, success, error_message, ip_address, accessed_at,
   credential_uuid, project_id, run_id, step_id, reason, host_credential_id, chain_hash)
SELECT r.id, (SELECT c.id FROM secrets.host_credentials c WHERE c.id = r.host_credential_id FOR KEY SHARE SKIP LOCKED),
  r.host, r.purpose, r.accessed_by, r.access_type, r.success, r.error_message, r.ip_address, r.accessed_at, r.credential_uuid,
  r.project_id, r.run_id, r.step_id, r.reason, r.host_credential_id, decode(r.chain_hash, 'hex')
FROM head, json_to_recordset($4) AS r (id bigint, host text, purpose text, accessed_by text, access_type text,
  success boolean, error_message text, ip_address inet, accessed_at timestamptz, credential_uuid uuid, project_id uuid,
  run_id uuid, step_id text, reason text, host_credential_id int, chain_hash text)`

/** Appends the rows, which follow `head`; false, and nothing is written, where somebody else has appended since. */
export async function appendRows(
  executor: pg.Pool | pg.PoolClient,
  head: ChainHead,
  rows: readonly ChainedRow[],
): Promise<boolean> {
  const last = rows.at(-1) as ChainedRow
  const { rowCount } = await executor.query({
    name: 'append-accesses',
    text: appendSql,
    values: [last.id, last.chain_hash, head.hash, JSON.stringify(rows)],
  })
  return rowCount !== 0
}

export interface AccessFilter {
  since?: Date | undefined
  /** Not this moment itself. */
  until?: Date | undefined
  projectId?: string | undefined
}

const pageRows = 2_000

// To the microsecond, although rows are written to the millisecond: a change of less would not be seen.
const pageSql = `
SELECT l.id, l.host, l.purpose, l.accessed_by, l.access_type, l.success, l.error_message, l.ip_address,
  to_char(l.accessed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') AS accessed_at, l.credential_uuid, l.project_id,
  l.run_id, l.step_id, l.reason, l.host_credential_id, encode(l.chain_hash, 'hex') AS chain_hash,
  l.credential_id IS NULL OR l.credential_id IS NOT DISTINCT FROM l.host_credential_id AS "credentialFits"
FROM secrets.credential_access_log l
WHERE ($1::bigint IS NULL OR l.id > $1) AND ($2::timestamptz IS NULL OR l.accessed_at >= $2)
  AND ($3::timestamptz IS NULL OR l.accessed_at < $3) AND ($4::uuid IS NULL OR l.project_id = $4)
ORDER BY l.id LIMIT ${pageRows}`

/** The rows in the order of their ids, page by page, as the chain was computed over them. */
export async function* readRows(
  executor: pg.Pool | pg.ClientBase,
  { since, until, projectId }: AccessFilter = {},
): AsyncGenerator<StoredRow> {
  let after: string | null = null
  for (;;) {
    const values: unknown[] = [after, since ?? null, until ?? null, projectId ?? null]
    const { rows }: { rows: StoredRow[] } = await executor.query<StoredRow>(pageSql, values)
    yield* rows.map(toCanonical)
    const last = rows.at(-1)
    if (last === undefined || rows.length < pageRows) return
    after = last.id
  }
}

const toCanonical = (row: StoredRow): StoredRow => ({
  ...row,
  ip_address: row.ip_address === null ? null : oneSpelling(row.ip_address),
  accessed_at: `${row.accessed_at?.replace(/000$/, '')}Z`,
})
