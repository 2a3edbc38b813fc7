import type pg from 'pg'

/** A certificate's newest version. */
export interface WatchedCertificate {
  id: string
  projectId: string
  name: string
  version: number
  notBefore: Date
  notAfter: Date
  renewAt: Date | null
  /** Days before the end at which the project wants to be told. */
  expiryDays: number[]
}

/** What metrics say; at most `seriesMax` of each. */
export interface Counts {
  certificates: { certificate: string; project: string; notAfter: Date }[]
  served: { server: string; name: string; project: string; notAfter: Date }[]
  deployments: { certificate: string; server: string; project: string; live: boolean }[]
  vhosts: { state: string; count: number }[]
}

const seriesMax = 10_000

export function createCertificateWatchStore(pool: pg.Pool) {
  return {
    /** Those of projects that want to be told and that end before, in the order of their ids, from the one after `after` on. */
    async listEnding(before: Date, after: string | undefined, limit: number): Promise<WatchedCertificate[]> {
      const { rows } = await pool.query<WatchedCertificate>(
        `SELECT c.id, c.project_id AS "projectId", c.name, v.version, v.not_before AS "notBefore",
           v.not_after AS "notAfter", c.renew_at AS "renewAt",
           ARRAY(SELECT day::int FROM jsonb_array_elements_text(n.settings -> 'expiry_days') AS day) AS "expiryDays"
         FROM cert_agent.certificates c
           JOIN cert_agent.certificate_versions v ON v.certificate_id = c.id AND v.version = c.version
           JOIN cert_agent.notification_settings n ON n.project_id = c.project_id
         WHERE c.not_after < $1 AND c.state <> 'revoked' AND ($2::uuid IS NULL OR c.id > $2)
         ORDER BY c.id LIMIT $3`,
        [before, after ?? null, limit],
      )
      return rows
    },

    async count(): Promise<Counts> {
      const list = async <Row extends pg.QueryResultRow>(text: string): Promise<Row[]> =>
        (await pool.query<Row>(`${text} LIMIT ${seriesMax}`)).rows
      return {
        certificates: await list(
          `SELECT name AS certificate, project_id AS project, not_after AS "notAfter" FROM cert_agent.certificates
           WHERE not_after IS NOT NULL AND state <> 'revoked' ORDER BY not_after`,
        ),
        served: await list(
          `SELECT s.name AS server, v.names[1] AS name, v.project_id AS project,
             min((v.served ->> 'not_after')::timestamptz) AS "notAfter"
           FROM cert_agent.vhosts v JOIN cert_agent.servers s ON s.id = v.server_id
           WHERE v.served IS NOT NULL AND v.state <> 'unreachable' GROUP BY s.name, v.names[1], v.project_id ORDER BY 4`,
        ),
        deployments: await list(
          `SELECT c.name AS certificate, s.name AS server, d.project_id AS project,
             d.live_version IS NOT DISTINCT FROM d.desired_version AS live
           FROM cert_agent.deployments d JOIN cert_agent.certificates c ON c.id = d.certificate_id
             JOIN cert_agent.servers s ON s.id = d.server_id ORDER BY live, d.id`,
        ),
        vhosts: await list('SELECT state, count(*)::int AS count FROM cert_agent.vhosts GROUP BY state'),
      }
    },
  }
}
