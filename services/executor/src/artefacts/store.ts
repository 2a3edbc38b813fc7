import { AppError } from '@opsconductor/errors'
import type pg from 'pg'
import type { ArtefactReference } from './step-artefacts.ts'

export interface Artefact extends ArtefactReference {
  run_id: string
  step_id: string
  item: string | null
  attempt: number
  created_at: Date
}

/** Whose an artefact is. */
export interface ArtefactOwner {
  projectId: string
  runId: string
  stepId: string
  item: string
  attempt: number
}

const columns = `id, run_id, step_id, nullif(item, '') AS item, attempt, name, content_type, bytes, trim(sha256) AS sha256,
  redacted, created_at`

const sql = {
  begin: `
    INSERT INTO executor.artefacts (id, project_id, run_id, step_id, item, attempt, name, content_type)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
  // One statement: the sum that the limit is held against is this run's, whatever its other steps write meanwhile.
  addChunk: `
    WITH mine AS (
      UPDATE executor.artefacts SET bytes = bytes + octet_length($3::bytea) WHERE id = $1 RETURNING run_id
    ), chunk AS (
      INSERT INTO executor.artefact_chunks (artefact_id, position, content) VALUES ($1, $2, $3)
    )
    SELECT coalesce(sum(a.bytes), 0) + octet_length($3::bytea) AS run_bytes
    FROM executor.artefacts a WHERE a.run_id = (SELECT run_id FROM mine)`,
  complete: `
    UPDATE executor.artefacts SET completed_at = now(), sha256 = $2, redacted = $3 WHERE id = $1 RETURNING ${columns}`,
  remove: 'DELETE FROM executor.artefacts WHERE id = $1',
  removeAbandoned: `
    DELETE FROM executor.artefacts WHERE completed_at IS NULL AND created_at < now() - make_interval(hours => $1)`,
  find: `
    SELECT ${columns} FROM executor.artefacts WHERE id = $1 AND project_id = $2 AND completed_at IS NOT NULL`,
  list: `
    SELECT ${columns} FROM executor.artefacts WHERE run_id = $1 AND completed_at IS NOT NULL
      AND ($2::uuid IS NULL
        OR (created_at, id) > (SELECT created_at, id FROM executor.artefacts WHERE id = $2 AND run_id = $1))
    ORDER BY created_at, id LIMIT $3`,
  chunk: 'SELECT content FROM executor.artefact_chunks WHERE artefact_id = $1 AND position = $2',
}

/** The database side of artefacts: their content in pieces, unseen until it is whole. */
export function createArtefactStore(pool: pg.Pool) {
  const query = async <Row>(name: keyof typeof sql, values: unknown[]): Promise<Row[]> =>
    (await pool.query({ name: `artefacts.${name}`, text: sql[name], values })).rows

  return {
    async begin(id: string, owner: ArtefactOwner, name: string, contentType: string): Promise<void> {
      const { projectId, runId, stepId, item, attempt } = owner
      await query('begin', [id, projectId, runId, stepId, item, attempt, name, contentType])
    },

    /** Answers how much the run's artefacts hold with it. */
    async addChunk(id: string, position: number, content: Uint8Array): Promise<number> {
      const [row] = await query<{ run_bytes: string }>('addChunk', [id, position, content])
      return Number(row?.run_bytes)
    },

    async complete(id: string, sha256: string, redacted: boolean): Promise<Artefact> {
      const [row] = await query<Row>('complete', [id, sha256, redacted])
      if (row === undefined)
        throw new AppError('step_failed', 'The artefact was removed while it was written.')
      return toArtefact(row)
    },

    async remove(id: string): Promise<void> {
      await query('remove', [id])
    },

    /** What a writer left that died: older than any step may run. */
    async removeAbandoned(hoursMin: number): Promise<void> {
      await query('removeAbandoned', [hoursMin])
    },

    async find(projectId: string, id: string): Promise<Artefact | undefined> {
      const [row] = await query<Row>('find', [id, projectId])
      return row && toArtefact(row)
    },

    /** One page, the oldest first. */
    async list(runId: string, page: { limit: number; cursor?: string | undefined }): Promise<Artefact[]> {
      return (await query<Row>('list', [runId, page.cursor ?? null, page.limit + 1])).map(toArtefact)
    },

    /** Its pieces, each read when it is wanted. */
    async *contentOf(id: string): AsyncGenerator<Uint8Array> {
      for (let position = 0; ; position++) {
        const [row] = await query<{ content: Buffer }>('chunk', [id, position])
        if (row === undefined) return
        yield row.content
      }
    },
  }
}

export type ArtefactStore = ReturnType<typeof createArtefactStore>

type Row = Omit<Artefact, 'bytes'> & { bytes: string }
const toArtefact = (row: Row): Artefact => ({ ...row, bytes: Number(row.bytes) })
