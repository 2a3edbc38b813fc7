import type { PublishState } from '@opsconductor/contracts'
import type pg from 'pg'
import type { FaceToPublish } from './plan.ts'

export interface FaceState extends FaceToPublish {
  state: PublishState
  lastError: string | null
  generation: number
  provenFace: string | null
}

const columns = `id, hash, http_method AS "httpMethod", http_path AS "httpPath",
  rate_limit_per_minute AS "rateLimitPerMinute", state, last_error AS "lastError", generation,
  proven_face AS "provenFace"`
const table = 'interface_registry.public_interfaces'

export async function selectFace(pool: pg.Pool, id: string): Promise<FaceState | undefined> {
  const { rows } = await pool.query<FaceState>(`SELECT ${columns} FROM ${table} WHERE id = $1`, [id])
  return rows[0]
}

export async function selectFaceIdByHash(pool: pg.Pool, hash: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ id: string }>(`SELECT id FROM ${table} WHERE hash = $1`, [hash])
  return rows[0]?.id
}

/** All that the gateway holds, or shall hold or forget. */
export async function selectUnwithdrawnFaces(pool: pg.Pool): Promise<FaceState[]> {
  const { rows } = await pool.query<FaceState>(`SELECT ${columns} FROM ${table} WHERE state <> 'withdrawn'`)
  return rows
}

/** Says `published`, unless the face was changed meanwhile. */
export async function markPublished(
  pool: pg.Pool,
  face: FaceState,
  { routeId, provenFace }: { routeId: string; provenFace: string },
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE ${table} SET state = 'published', last_error = NULL, kong_route_id = $3, proven_face = $4, updated_at = NOW()
     WHERE id = $1 AND generation = $2 AND state = 'pending'`,
    [face.id, face.generation, routeId, provenFace],
  )
  return rowCount === 1
}

/** Takes back `published`: the gateway does not hold the face as it should. */
export async function markPending(pool: pg.Pool, face: FaceState, reason: string): Promise<void> {
  await pool.query(
    `UPDATE ${table} SET state = 'pending', last_error = $3, proven_face = NULL
     WHERE id = $1 AND generation = $2 AND state = 'published'`,
    [face.id, face.generation, reason],
  )
}

/** The routes in Kong are being changed, so what was proven of them is not true any more. */
export async function forgetProof(pool: pg.Pool, id: string): Promise<void> {
  await pool.query(`UPDATE ${table} SET proven_face = NULL WHERE id = $1 AND proven_face IS NOT NULL`, [id])
}

export async function noteError(pool: pg.Pool, face: FaceState, reason: string): Promise<void> {
  await pool.query(`UPDATE ${table} SET last_error = $3 WHERE id = $1 AND generation = $2`, [
    face.id,
    face.generation,
    reason,
  ])
}

/** Says `withdrawn`, unless the face was changed meanwhile. */
export async function markWithdrawn(pool: pg.Pool, face: FaceState): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE ${table} SET state = 'withdrawn', last_error = NULL, kong_route_id = NULL, proven_face = NULL, updated_at = NOW()
     WHERE id = $1 AND generation = $2 AND state = 'withdrawing'`,
    [face.id, face.generation],
  )
  return rowCount === 1
}
