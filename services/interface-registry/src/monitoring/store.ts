import { type Connectivity, type ConnectorKind, connectorTopics } from '@opsconductor/contracts'
import { publishEvent } from '@opsconductor/events'
import type pg from 'pg'
import { asProject, everyProject } from '../acting-project.ts'
import { checkLasts } from './check-lasts.ts'

/** A check that was begun: nobody else begins one of the connector before this ended or was given up. */
export interface BegunCheck {
  checkId: string
  connectorId: string
  projectId: string
  kind: ConnectorKind
  settings: Record<string, unknown>
  hasCredential: boolean
  checkEverySeconds: number | null
}

/** What a check found. `unknown`: nothing, by a fault of ours. */
export type Verdict = Pick<Connectivity, 'status' | 'code' | 'reason'> & { latencyMs: number | null }

const isFree = `(s.check_id IS NULL OR s.check_started_at < now() - ${checkLasts})`
const isDue = '(s.next_check_at IS NULL OR s.next_check_at <= now())'

/** A credential that is refused again and again may lock an account: it is tried less often, down to this. */
const refusedEverySeconds = 900
const restraint = `CASE $4::text WHEN 'credential_refused'
  THEN least(2 ^ least(failures, 5), greatest(1, ${refusedEverySeconds} / $6)) ELSE 1 END`

const sql = {
  // First of the projects that have the fewest under way: one with many slow systems does not keep the others waiting.
  due: `
    SELECT c.id FROM interface_registry.connectors c
    LEFT JOIN interface_registry.connector_states s ON s.connector_id = c.id
    LEFT JOIN (
      SELECT o.project_id, count(*) AS checks FROM interface_registry.connector_states s
      JOIN interface_registry.connectors o ON o.id = s.connector_id WHERE NOT ${isFree} GROUP BY 1
    ) under_way ON under_way.project_id = c.project_id
    WHERE c.is_active AND c.check_every_seconds IS NOT NULL AND ${isFree} AND ${isDue}
    ORDER BY coalesce(under_way.checks, 0), s.next_check_at NULLS FIRST LIMIT $1`,
  begin: `
    INSERT INTO interface_registry.connector_states AS s (connector_id, check_id, check_started_at)
    SELECT c.id, gen_random_uuid(), now() FROM interface_registry.connectors c WHERE c.id = ANY($1) ORDER BY c.id
    FOR KEY SHARE
    ON CONFLICT (connector_id) DO UPDATE
      SET check_id = excluded.check_id, check_started_at = excluded.check_started_at
      WHERE ${isFree} AND ($2 OR ${isDue})
    RETURNING s.connector_id AS id`,
  // A statement of its own: what it sees is never older than what the check is begun with.
  begun: `
    SELECT s.check_id AS "checkId", c.id AS "connectorId", c.project_id AS "projectId", c.kind, c.settings,
      (c.credential_id IS NOT NULL OR c.encrypted_credentials IS NOT NULL) AS "hasCredential",
      c.check_every_seconds AS "checkEverySeconds"
    FROM interface_registry.connectors c JOIN interface_registry.connector_states s ON s.connector_id = c.id
    WHERE c.id = ANY($1)`,
  before: `
    SELECT CASE WHEN failures > 0 THEN 'failing' WHEN last_success_at IS NOT NULL THEN 'ok' END AS verdict
    FROM interface_registry.connector_states WHERE connector_id = $1 AND check_id = $2 FOR UPDATE`,
  end: `
    UPDATE interface_registry.connector_states SET check_id = NULL, checked_at = now(), status = $2::text, latency_ms = $3,
      code = $4::text, reason = $5, next_check_at = now() + $6::float8 * ${restraint} * interval '1 second',
      last_success_at = CASE $2::text WHEN 'ok' THEN now() ELSE last_success_at END,
      failures = CASE $2::text WHEN 'ok' THEN 0 WHEN 'failing' THEN failures + 1 ELSE failures END
    WHERE connector_id = $1`,
  giveUp: `
    UPDATE interface_registry.connector_states SET check_id = NULL, next_check_at = now() + $3 * interval '1 second'
    WHERE connector_id = $1 AND check_id = $2`,
  makeDue: `
    UPDATE interface_registry.connector_states SET check_id = NULL, next_check_at = now()
    WHERE connector_id IN (SELECT s.connector_id FROM interface_registry.connector_states s
      JOIN interface_registry.connectors c ON c.id = s.connector_id
      WHERE c.credential_id = $1 AND c.check_every_seconds IS NOT NULL
      ORDER BY s.connector_id FOR UPDATE OF s)`,
  count: `
    SELECT c.kind, coalesce(s.status, 'unknown') AS status, count(*)::int AS connectors
    FROM interface_registry.connectors c LEFT JOIN interface_registry.connector_states s ON s.connector_id = c.id
    WHERE c.is_active GROUP BY 1, 2`,
}

/** What is not due any more is left out, unless it is `asked` for: another process may just have checked it. */
async function begin(client: pg.PoolClient, ids: string[], asked: boolean): Promise<BegunCheck[]> {
  const { rows: claimed } = await client.query<{ id: string }>(sql.begin, [ids, asked])
  const { rows } = await client.query<BegunCheck>(sql.begun, [claimed.map(({ id }) => id)])
  return rows
}

/** Begins the checks whose time has come; of a connector that was never checked, that is now. */
export const beginDueChecks = (pool: pg.Pool, limit: number): Promise<BegunCheck[]> =>
  asProject(pool, everyProject, async (client) => {
    const { rows } = await client.query<{ id: string }>(sql.due, [limit])
    return rows.length === 0
      ? []
      : begin(
          client,
          rows.map(({ id }) => id),
          false,
        )
  })

/** Begins a check of one connector; undefined while another one is under way. */
export const beginCheck = (pool: pg.Pool, projectId: string, id: string): Promise<BegunCheck | undefined> =>
  asProject(pool, projectId, async (client) => (await begin(client, [id], true))[0])

export type EndedCheck = 'changed' | 'same'

/**
 * Writes down what a check found, and when the next is due, in seconds; null: not by itself. `changed` where the
 * connector went from ok to failing or back; undefined where the check was given up meanwhile, so that what it found is
 * not of the connector as it is now.
 */
export const endCheck = (
  pool: pg.Pool,
  { connectorId, checkId }: BegunCheck,
  { status, latencyMs, code, reason }: Verdict,
  nextSeconds: number | null,
): Promise<EndedCheck | undefined> =>
  asProject(pool, everyProject, async (client) => {
    const { rows } = await client.query<{ verdict: string | null }>(sql.before, [connectorId, checkId])
    const [before] = rows
    if (before === undefined) return undefined
    await client.query(sql.end, [connectorId, status, latencyMs, code, reason, nextSeconds])
    if (before.verdict === null || status === 'unknown' || before.verdict === status) return 'same'
    await publishEvent(client, { topic: connectorTopics.connectivityChanged, key: connectorId })
    return 'changed'
  })

/** The check found nothing: what was known stays. */
export const giveUpCheck = (
  pool: pg.Pool,
  { connectorId, checkId }: BegunCheck,
  nextSeconds: number | null,
): Promise<unknown> =>
  asProject(pool, everyProject, (client) => client.query(sql.giveUp, [connectorId, checkId, nextSeconds]))

/** What was found with the credential as it was says nothing any more; of a check that is under way neither. */
export const makeDueByCredential = (pool: pg.Pool, credentialId: string): Promise<unknown> =>
  asProject(pool, everyProject, (client) => client.query(sql.makeDue, [credentialId]))

export interface ConnectorCount {
  kind: ConnectorKind
  status: Connectivity['status']
  connectors: number
}

/** Of all active connectors. */
export const countConnectors = (pool: pg.Pool): Promise<ConnectorCount[]> =>
  asProject(pool, everyProject, async (client) => (await client.query<ConnectorCount>(sql.count)).rows)
