import type { Socket } from 'node:net'
import { AppError } from '@opsconductor/errors'
import type { Knex } from 'knex'
import pg from 'pg'
import { sqlError } from './sql-error.ts'

export interface SqlQuery {
  sql: string
  values: unknown[]
  rowsMax: number
  timeoutMs: number
}

export interface SqlResult {
  rows: Record<string, unknown>[]
  row_count: number
  /** There were more rows than the limit. */
  truncated: boolean
}

/** The part of a pg connection that its types leave out. */
type Connection = pg.Client & { processID: number; connection: { stream: Socket } }

/** What a query may send over the wire; it ends a result of few, huge rows that no row limit would. */
const wireBytesMax = 8 * 1024 * 1024
const cancelMsMax = 2_000

/** Runs one statement in a read-only transaction; stops it on the server when time is up or `signal` fires. */
export async function runQuery(pool: Knex, query: SqlQuery, signal: AbortSignal): Promise<SqlResult> {
  let connection: Connection | undefined
  try {
    connection = (await pool.client.acquireConnection()) as Connection
    signal.throwIfAborted()
    const settings = `BEGIN READ ONLY; SET LOCAL statement_timeout = ${Math.max(1, Math.ceil(query.timeoutMs))}`
    await connection.query(settings)
    return await collectRows(pool, connection, query, signal)
  } catch (error) {
    throw sqlError(error, signal)
  } finally {
    if (connection !== undefined) await giveBack(pool, connection)
  }
}

/** Session state that outlives a transaction is undone too; a connection that cannot be cleaned is not used again. */
async function giveBack(pool: Knex, connection: Connection): Promise<void> {
  if (!connection.connection.stream.destroyed)
    await connection
      .query('ROLLBACK; SELECT pg_advisory_unlock_all(); DEALLOCATE ALL; UNLISTEN *')
      .catch(() => connection.connection.stream.destroy())
  await pool.client.releaseConnection(connection)
}

function collectRows(
  pool: Knex,
  connection: Connection,
  { sql, values, rowsMax }: SqlQuery,
  signal: AbortSignal,
): Promise<SqlResult> {
  const { stream } = connection.connection
  const bytesBefore = stream.bytesRead
  const rows: Record<string, unknown>[] = []
  return new Promise((resolve, reject) => {
    // Extended also without values: the simple protocol would take several statements, and a COMMIT among them.
    const config = { text: sql, values, queryMode: 'extended', types: { getTypeParser } }
    const query = new pg.Query(config)
    const settle = (end: () => void) => {
      stream.off('data', watchBytes)
      signal.removeEventListener('abort', cancel)
      end()
    }
    const finish = (truncated: boolean) => settle(() => resolve({ rows, row_count: rows.length, truncated }))
    const watchBytes = () => {
      if (stream.bytesRead - bytesBefore <= wireBytesMax) return
      stream.destroy()
      settle(() =>
        reject(
          new AppError('target_answer_too_large', `The query answered more than ${wireBytesMax} bytes.`),
        ),
      )
    }
    const cancel = () => {
      void cancelOnServer(pool, connection)
      settle(() => reject(signal.reason))
    }
    query.on('row', (row: Record<string, unknown>) => {
      if (rows.length < rowsMax) {
        rows.push(row)
        return
      }
      stream.destroy()
      finish(true)
    })
    query.on('end', () => finish(false))
    query.on('error', (error: Error) => settle(() => reject(error)))
    stream.on('data', watchBytes)
    signal.addEventListener('abort', cancel, { once: true })
    connection.query(query)
  })
}

/** Over another connection: this one is busy with the statement. The statement's own timeout is the last resort. */
async function cancelOnServer(pool: Knex, { processID, connection: { stream } }: Connection): Promise<void> {
  const giveUp = setTimeout(() => stream.destroy(), cancelMsMax)
  try {
    await pool.raw('SELECT pg_cancel_backend(?)', [processID])
  } catch {
    // its statement_timeout ends it
  } finally {
    clearTimeout(giveUp)
    stream.destroy()
  }
}

/** Dates without a zone, intervals and bytes stay PostgreSQL's text; pg's own readings depend on our time zone. */
const keptAsText = new Set<number>([17, 1082, 1083, 1114, 1115, 1182, 1186, 1187, 1266])

function getTypeParser(oid: number, format?: 'text' | 'binary') {
  if (keptAsText.has(oid)) return (text: string) => text
  return pg.types.getTypeParser(oid, format as 'text')
}
