import type { Failure } from '@opsconductor/contracts'
import type pg from 'pg'
import type { z } from 'zod'
import type { VhostState } from './judge-vhost.ts'
import type { ServedWire } from './served-wire.ts'

/** A virtual host that is about to be probed, with what should be served there. */
export interface WatchedVhost {
  id: string
  projectId: string
  serverId: string
  serverName: string
  /** Where it is reached. */
  host: string
  port: number
  via: string[]
  names: string[]
  certificateId: string | null
  /** Found by looking; nobody has asked for it. */
  discovered: boolean
  /** Of the live version and the wished one. */
  serials: string[]
  renewAt: Date | null
  expiryDays: number
  /** When it was probed last, before it was taken. */
  probedBefore: Date | null
}

export interface ProbeResult {
  /** Undefined: nothing was learnt. */
  state: VhostState | undefined
  /** Undefined: what was seen last stays. */
  served: ServedWire | undefined
  error: z.infer<typeof Failure> | null
  probedAt: Date | null
}

/** Days before the end from which on a certificate is called expiring, where the project has not said so. */
const usualExpiryDays = 30

// A certificate is renewed by itself where renew_at is set.
const columns = `v.id, v.project_id AS "projectId", v.server_id AS "serverId", s.name AS "serverName",
  coalesce(v.probe_host, s.host) AS host, v.probe_port AS port, s.via, v.names,
  v.certificate_id AS "certificateId", v.discovered,
  ARRAY(SELECT DISTINCT cv.serial FROM cert_agent.deployments d
    JOIN cert_agent.certificate_versions cv
      ON cv.certificate_id = d.certificate_id AND cv.version IN (d.live_version, d.desired_version)
    WHERE d.certificate_id = v.certificate_id AND d.server_id = v.server_id AND d.live_version IS NOT NULL) AS serials,
  (SELECT c.renew_at FROM cert_agent.certificates c WHERE c.id = v.certificate_id) AS "renewAt",
  coalesce((SELECT max(day::int) FROM cert_agent.notification_settings n,
    jsonb_array_elements_text(n.settings -> 'expiry_days') AS day WHERE n.project_id = v.project_id),
    ${usualExpiryDays}) AS "expiryDays"`

/** The slot of the period at which it is probed: spread by its id, so that all are not probed at once. */
const slot = (at: string) =>
  `floor((extract(epoch FROM ${at}) - abs(hashtext(v.id::text)::bigint) % $2) / $2)`

// In no order: those that cannot be looked at, and whose turn therefore stays, keep nobody from his.
const takeSql = `
WITH due AS (
  SELECT v.id, v.probed_at AS before FROM cert_agent.vhosts v
  WHERE v.probed_at IS NULL OR ${slot('$1::timestamptz')} > ${slot('v.probed_at')}
    OR (v.state IN ('unknown', 'expired', 'mismatch', 'unreachable')
      AND v.probed_at < $1::timestamptz - make_interval(secs => $2::double precision / 24))
  ORDER BY random() LIMIT $3 FOR UPDATE SKIP LOCKED
), taken AS (
  UPDATE cert_agent.vhosts SET probed_at = $1 FROM due WHERE vhosts.id = due.id
)
SELECT ${columns}, due.before AS "probedBefore"
FROM due JOIN cert_agent.vhosts v ON v.id = due.id JOIN cert_agent.servers s ON s.id = v.server_id`

/** SQL by hand: who probes what is decided in the statement that takes it. */
export function createVhostWatchStore(pool: pg.Pool) {
  return {
    /** Those whose time has come, once in each period; sooner where something is wrong. No other process has them. */
    async takeDue(now: Date, everySeconds: number, limit: number): Promise<WatchedVhost[]> {
      return (await pool.query<WatchedVhost>(takeSql, [now, everySeconds, limit])).rows
    },

    async find(id: string): Promise<WatchedVhost | undefined> {
      const { rows } = await pool.query<WatchedVhost>(
        `SELECT ${columns}, v.probed_at AS "probedBefore"
         FROM cert_agent.vhosts v JOIN cert_agent.servers s ON s.id = v.server_id WHERE v.id = $1`,
        [id],
      )
      return rows[0]
    },

    /** Its turn comes again: it was taken, and not looked at. */
    async giveBack({ id, probedBefore }: Pick<WatchedVhost, 'id' | 'probedBefore'>): Promise<void> {
      await pool.query('UPDATE cert_agent.vhosts SET probed_at = $2 WHERE id = $1', [id, probedBefore])
    },

    /** The state that it had before; undefined where it is gone. */
    async save(id: string, { state, served, error, probedAt }: ProbeResult): Promise<VhostState | undefined> {
      const { rows } = await pool.query<{ state: VhostState }>(
        `WITH former AS (SELECT id, state FROM cert_agent.vhosts WHERE id = $1 FOR UPDATE)
         UPDATE cert_agent.vhosts v SET state = coalesce($2, v.state), served = coalesce($3, v.served),
           probe_error = $4, probed_at = $5
         FROM former WHERE v.id = former.id RETURNING former.state`,
        [
          id,
          state ?? null,
          served === undefined ? null : JSON.stringify(served),
          error === null ? null : JSON.stringify(error),
          probedAt,
        ],
      )
      return rows[0]?.state
    },
  }
}
