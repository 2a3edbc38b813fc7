import type { Challenge } from '@opsconductor/contracts'
import type pg from 'pg'
import type { ChallengeResponse } from './solver.ts'

/** The answer to a challenge that was put somewhere, and is not known to be gone. */
export interface PresentedChallenge extends ChallengeResponse {
  id: string
  projectId: string
  /** That put it there. */
  operationId: string
  /** As the certificate has it. */
  name: string
  challenge: Challenge
  /** To take it away. */
  attempts: number
}

type Place = Pick<PresentedChallenge, 'projectId' | 'name' | 'token'>

/** No attempt to show control takes longer, so what an operation under way left behind then is an earlier attempt's. */
const inUseSeconds = 86_400

const takeLeftSql = `UPDATE cert_agent.presented_challenges
 SET attempts = attempts + 1,
   retry_at = $1::timestamptz + make_interval(secs => least(60 * 2 ^ attempts, 21600))
 WHERE id IN (
   SELECT p.id FROM cert_agent.presented_challenges p
   WHERE p.retry_at <= $1 AND (p.presented_at < $1::timestamptz - make_interval(secs => ${inUseSeconds})
     OR NOT EXISTS (SELECT FROM cert_agent.operations o
       WHERE o.id = p.operation_id AND o.state IN ('queued', 'running')))
   ORDER BY p.retry_at LIMIT $2 FOR UPDATE SKIP LOCKED)
 RETURNING id, project_id AS "projectId", operation_id AS "operationId", name, challenge, token,
   key_authorization AS "keyAuthorization", attempts`

/** What is to be taken away though nobody who put it there may be left to do so. What the gateway answers goes by itself. */
export function createPresentedStore(pool: pg.Pool) {
  return {
    /** Before it is put there. May be repeated. */
    async add(presented: Omit<PresentedChallenge, 'id' | 'attempts'>, now: Date): Promise<void> {
      const { projectId, operationId, name, challenge, token, keyAuthorization } = presented
      await pool.query(
        `INSERT INTO cert_agent.presented_challenges
           (project_id, operation_id, name, challenge, token, key_authorization, presented_at, retry_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
         ON CONFLICT (project_id, name, token) DO UPDATE SET operation_id = excluded.operation_id,
           challenge = excluded.challenge, key_authorization = excluded.key_authorization,
           presented_at = excluded.presented_at, retry_at = excluded.retry_at, attempts = 0`,
        [projectId, operationId, name, JSON.stringify(challenge), token, keyAuthorization, now],
      )
    },

    async has({ projectId, name, token }: Place): Promise<boolean> {
      const { rowCount } = await pool.query(
        'SELECT FROM cert_agent.presented_challenges WHERE project_id = $1 AND name = $2 AND token = $3',
        [projectId, name, token],
      )
      return rowCount === 1
    },

    /** It is gone, or given up. */
    async remove({ projectId, name, token }: Place): Promise<void> {
      await pool.query(
        'DELETE FROM cert_agent.presented_challenges WHERE project_id = $1 AND name = $2 AND token = $3',
        [projectId, name, token],
      )
    },

    /** What no operation under way is using, to be taken again later and later, by whichever process. */
    async takeLeft(now: Date, limit: number): Promise<PresentedChallenge[]> {
      const { rows } = await pool.query<PresentedChallenge>(takeLeftSql, [now, limit])
      return rows
    },

    /** How many of them are still not known to be gone. */
    async countOf(ids: readonly string[]): Promise<number> {
      const { rows } = await pool.query<{ left: number }>(
        'SELECT count(*)::int AS left FROM cert_agent.presented_challenges WHERE id = ANY($1)',
        [ids],
      )
      return rows[0]?.left ?? 0
    },
  }
}
