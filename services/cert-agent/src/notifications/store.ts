import { CertificateNotifications } from '@opsconductor/contracts'
import type pg from 'pg'
import type { z } from 'zod'
import type { NotificationKind, Told } from './kinds.ts'

export type Settings = z.infer<typeof CertificateNotifications>

/** One that is being sent by this process. */
export interface TakenNotification {
  id: string
  projectId: string
  payload: { kind: NotificationKind; title: string; text: string; facts: Record<string, string | number> }
  /** Who has it already. */
  told: string[]
  /** This one included. */
  attempts: number
}

export interface SendingNotification {
  projectId: string
  settings: Settings | undefined
}

/** SQL by hand: who takes what is decided in the statement that takes it. */
export function createNotificationStore(pool: pg.Pool) {
  const findSettings = async (projectId: string): Promise<Settings | undefined> => {
    const { rows } = await pool.query<{ settings: unknown }>(
      'SELECT settings FROM cert_agent.notification_settings WHERE project_id = $1',
      [projectId],
    )
    return rows[0] === undefined ? undefined : CertificateNotifications.parse(rows[0].settings)
  }
  return {
    findSettings,

    async putSettings(projectId: string, settings: Settings, by: string): Promise<void> {
      await pool.query(
        `INSERT INTO cert_agent.notification_settings (project_id, settings, updated_by) VALUES ($1, $2, $3)
         ON CONFLICT (project_id) DO UPDATE
           SET settings = excluded.settings, updated_by = excluded.updated_by, updated_at = now()`,
        [projectId, JSON.stringify(settings), by],
      )
    },

    /** Nothing where the key is there, or nobody is to be told. */
    async add({ projectId, key, ...payload }: Told): Promise<void> {
      await pool.query(
        `INSERT INTO cert_agent.notifications (project_id, key, payload)
         SELECT project_id, $2, $3 FROM cert_agent.notification_settings WHERE project_id = $1
         ON CONFLICT DO NOTHING`,
        [projectId, key, JSON.stringify(payload)],
      )
    },

    async forget(projectId: string, keyPrefixes: readonly string[]): Promise<void> {
      await pool.query(
        `DELETE FROM cert_agent.notifications n USING unnest($2::text[]) AS prefix
         WHERE n.project_id = $1 AND starts_with(n.key, prefix)`,
        [projectId, keyPrefixes],
      )
    },

    /** Those that are due and nobody else sends, the oldest first; receivers that do not answer hold up no first attempt. */
    async take(now: Date, until: Date, limit: number): Promise<TakenNotification[]> {
      const { rows } = await pool.query<TakenNotification>(
        `UPDATE cert_agent.notifications SET attempts = attempts + 1, sending_until = $2
         WHERE id IN (
           SELECT id FROM cert_agent.notifications
           WHERE sent_at IS NULL AND (retry_at IS NULL OR retry_at <= $1)
             AND (sending_until IS NULL OR sending_until <= $1)
           ORDER BY attempts, created_at LIMIT $3 FOR UPDATE SKIP LOCKED
         )
         RETURNING id, project_id AS "projectId", payload, told, attempts`,
        [now, until, limit],
      )
      return rows
    },

    /** `sent`: all have it. Else it is sent again at `retryAt`; null: never. */
    async giveBack(
      id: string,
      told: readonly string[],
      outcome: { sent: Date } | { retryAt: Date | null },
    ): Promise<void> {
      const sent = 'sent' in outcome ? outcome.sent : null
      const retryAt = 'sent' in outcome ? null : (outcome.retryAt ?? 'infinity')
      await pool.query(
        `UPDATE cert_agent.notifications SET told = $2, sent_at = $3, retry_at = $4, sending_until = NULL WHERE id = $1`,
        [id, told, sent, retryAt],
      )
    },

    /** One that somebody sends at this moment. */
    async findSending(id: string, now: Date): Promise<SendingNotification | undefined> {
      const { rows } = await pool.query<{ projectId: string }>(
        `SELECT project_id AS "projectId" FROM cert_agent.notifications
         WHERE id = $1 AND sent_at IS NULL AND sending_until > $2`,
        [id, now],
      )
      const row = rows[0]
      return row && { ...row, settings: await findSettings(row.projectId) }
    },

    async removeBefore(before: Date): Promise<void> {
      await pool.query('DELETE FROM cert_agent.notifications WHERE created_at < $1', [before])
    },
  }
}
