import type pg from 'pg'

export interface ExpiryNotice {
  credentialId: string
  projectId: string
  name: string
  kind: 'expiry' | 'certificate' | 'rotation'
  dueAt: Date
  withinDays: number
}

const rotationDueAt = 'rotated_at + make_interval(hours => 24 * rotate_every_days)'

// A threshold is not told of again where a nearer one was: a clock that is set back passes it twice.
const noticeSql = `
WITH due AS (
  SELECT c.id, c.project_id, c.name, d.kind, d.due_at, t.days
  FROM secrets.credentials c
  CROSS JOIN LATERAL (VALUES
    ('expiry', c.expires_at),
    ('certificate', CASE WHEN c.certificate_expires_at IS DISTINCT FROM c.expires_at THEN c.certificate_expires_at END),
    ('rotation', ${rotationDueAt})
  ) AS d (kind, due_at)
  CROSS JOIN LATERAL (
    SELECT min(days) AS days FROM unnest($2::int[]) AS days WHERE d.due_at <= $1::timestamptz + make_interval(hours => 24 * days)
  ) AS t
  WHERE c.deleted_at IS NULL AND c.is_active AND t.days IS NOT NULL
    AND NOT EXISTS (
      SELECT FROM secrets.expiry_notices n
      WHERE n.credential_id = c.id AND n.kind = d.kind AND n.due_at = d.due_at AND n.threshold_days <= t.days
    )
  -- All processes in one order, so that none waits for another that waits for it.
  ORDER BY d.due_at, c.id LIMIT $3
), noticed AS (
  INSERT INTO secrets.expiry_notices (credential_id, kind, due_at, threshold_days, noticed_at)
  SELECT id, kind, due_at, days, $1 FROM due ON CONFLICT DO NOTHING
  RETURNING credential_id, kind, due_at
)
SELECT due.id AS "credentialId", due.project_id AS "projectId", due.name, due.kind, due.due_at AS "dueAt",
  due.days AS "withinDays"
FROM due JOIN noticed ON noticed.credential_id = due.id AND noticed.kind = due.kind AND noticed.due_at = due.due_at
ORDER BY due.due_at`

/** Keeps that these dates are told of now, and answers them, the nearest first; none that was told of before. */
export async function insertNotices(
  client: pg.PoolClient,
  { at, thresholdsDays, limit }: { at: Date; thresholdsDays: readonly number[]; limit: number },
): Promise<ExpiryNotice[]> {
  const { rows } = await client.query<ExpiryNotice>(noticeSql, [at, thresholdsDays, limit])
  return rows
}

export interface ExpiryCounts {
  expiringWithin: { days: number; count: number }[]
  soonestAt: Date | null
  rotationOverdue: number
}

const inUse = 'deleted_at IS NULL AND is_active'

export async function selectExpiryCounts(
  pool: pg.Pool,
  at: Date,
  thresholdsDays: readonly number[],
): Promise<ExpiryCounts> {
  const within = await pool.query<{ days: number; count: number }>(
    `WITH expiring AS (
       SELECT least(expires_at, certificate_expires_at) AS due_at FROM secrets.credentials WHERE ${inUse}
     )
     SELECT days, count(due_at)::int AS count FROM unnest($2::int[]) AS days
     LEFT JOIN expiring ON due_at <= $1::timestamptz + make_interval(hours => 24 * days)
     GROUP BY days`,
    [at, thresholdsDays],
  )
  const rest = await pool.query<{ soonestAt: Date | null; rotationOverdue: number }>(
    `SELECT
       least((SELECT min(expires_at) FROM secrets.credentials WHERE ${inUse}),
             (SELECT min(certificate_expires_at) FROM secrets.credentials WHERE ${inUse})) AS "soonestAt",
       (SELECT count(*)::int FROM secrets.credentials WHERE ${inUse} AND ${rotationDueAt} <= $1) AS "rotationOverdue"`,
    [at],
  )
  return { expiringWithin: within.rows, ...(rest.rows[0] as (typeof rest.rows)[number]) }
}

export interface UnsentNotice {
  /** Of the notification, however often it is sent. */
  id: string
  credentialId: string
  projectId: string
  name: string
  kind: ExpiryNotice['kind']
  dueAt: Date
  /** False where the credential is not in use any more, has another date, or a nearer threshold of this date was passed. */
  isCurrent: boolean
}

/**
 * Locks and answers the unsent notice with the nearest date, but none of `except` and none that another process is at;
 * undefined where there is none.
 */
export async function lockUnsentNotice(
  client: pg.PoolClient,
  except: readonly string[],
): Promise<UnsentNotice | undefined> {
  const { rows } = await client.query<UnsentNotice>(
    `SELECT n.id, c.id AS "credentialId", c.project_id AS "projectId", c.name, n.kind, n.due_at AS "dueAt",
       c.deleted_at IS NULL AND c.is_active AND n.due_at IS NOT DISTINCT FROM CASE n.kind
         WHEN 'expiry' THEN c.expires_at WHEN 'certificate' THEN c.certificate_expires_at ELSE ${rotationDueAt}
       END AND NOT EXISTS (
         SELECT FROM secrets.expiry_notices nearer
         WHERE nearer.credential_id = n.credential_id AND nearer.kind = n.kind AND nearer.due_at = n.due_at
           AND nearer.threshold_days < n.threshold_days
       ) AS "isCurrent"
     FROM secrets.expiry_notices n JOIN secrets.credentials c ON c.id = n.credential_id
     WHERE n.notified_at IS NULL AND n.id <> ALL ($1::uuid[])
     ORDER BY n.due_at, n.id LIMIT 1 FOR UPDATE OF n SKIP LOCKED`,
    [except],
  )
  return rows[0]
}

export async function setNotified(client: pg.PoolClient, id: string, at: Date): Promise<void> {
  await client.query('UPDATE secrets.expiry_notices SET notified_at = $2 WHERE id = $1', [id, at])
}

/** For where nobody is to be told, lest all that came meanwhile is sent on the day that somebody is. */
export async function setAllNotified(pool: pg.Pool, at: Date): Promise<void> {
  await pool.query('UPDATE secrets.expiry_notices SET notified_at = $1 WHERE notified_at IS NULL', [at])
}
