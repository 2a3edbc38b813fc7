import type pg from 'pg'

/** A certificate that could not be issued or renewed, and was not since. */
export interface FailedCertificate {
  projectId: string
  id: string
  name: string
  /** The version that is there; 0: none. */
  version: number
  code: string
  message: string
}
export type BlockedAccount = Pick<FailedCertificate, 'projectId' | 'id' | 'name'> & { until: Date }

/** What is tried again soon, and may go well then, is told of from this attempt on. */
const attemptsMin = 3
const rowsMax = 1_000

const isTold = (table: string) =>
  `EXISTS (SELECT FROM cert_agent.notification_settings n WHERE n.project_id = ${table}.project_id)`

/** Of projects that want to be told; the latest first. */
export function createFailureStore(pool: pg.Pool) {
  const list = async <Row extends pg.QueryResultRow>(text: string, ...values: unknown[]): Promise<Row[]> =>
    (await pool.query<Row>(`${text} LIMIT ${rowsMax}`, values)).rows
  return {
    certificates: () =>
      list<FailedCertificate>(
        `SELECT c.project_id AS "projectId", c.id, c.name, c.version, c.last_error ->> 'code' AS code,
           c.last_error ->> 'message' AS message FROM cert_agent.certificates c
         WHERE c.failures > 0 AND c.last_error IS NOT NULL AND c.state <> 'revoked' AND ${isTold('c')}
           AND (c.failures >= ${attemptsMin} OR NOT EXISTS (SELECT FROM cert_agent.operations o
             WHERE o.certificate_id = c.id AND o.kind IN ('issue', 'renew') AND o.state IN ('queued', 'running')))
         ORDER BY c.updated_at DESC`,
      ),

    accounts: (now: Date) =>
      list<BlockedAccount>(
        `SELECT a.project_id AS "projectId", a.id, a.name, a.blocked_until AS until FROM cert_agent.acme_accounts a
         WHERE a.blocked_until > $1 AND ${isTold('a')} ORDER BY a.blocked_until DESC`,
        now,
      ),
  }
}
