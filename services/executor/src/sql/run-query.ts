import { AppError } from '@opsconductor/errors'
import { bindParameters, type Parameters } from './bind-parameters.ts'
import { collectRows, columnsMax, rowMaker, type SqlRows } from './collect-rows.ts'
import type { DatabaseSession } from './databases.ts'
import type { Batch, Dialect, Outcome } from './dialect.ts'
import { firstWord } from './lexis.ts'

export interface SqlQuery {
  sql: string
  parameters: Parameters
  rowsMax: number
}

/** What the rows of a step may be in memory. */
export const rowsBytesMax = 8 * 1024 * 1024

/** Runs one statement that reads, in a transaction that lets it do nothing else. */
export async function runQuery(session: DatabaseSession, query: SqlQuery): Promise<SqlRows> {
  const batches = await beginToRead(session, query)
  const {
    outcome: _,
    bytes: __,
    ...rows
  } = await collectRows(batches, {
    rowsMax: query.rowsMax,
    bytesMax: rowsBytesMax,
  })
  return rows
}

/** The same rows as lines of JSON, for `save`, which reads them as it can take them. */
export async function saveQuery<Saved>(
  session: DatabaseSession,
  query: SqlQuery,
  save: (lines: AsyncIterable<Uint8Array>) => Promise<Saved>,
): Promise<SqlRows & { artefact: Saved }> {
  const batches = await beginToRead(session, query)
  const seen = { rows: 0, cut: undefined as SqlRows['truncated_by'] }
  const artefact = await save(jsonLines(batches, query.rowsMax, seen))
  return {
    rows: [],
    row_count: seen.rows,
    truncated: seen.cut !== undefined,
    ...(seen.cut === undefined ? {} : { truncated_by: seen.cut }),
    artefact,
  }
}

async function* jsonLines(
  batches: AsyncGenerator<Batch, Outcome>,
  rowsMax: number,
  seen: { rows: number; cut: SqlRows['truncated_by'] },
): AsyncGenerator<Uint8Array> {
  let toRow: ReturnType<typeof rowMaker> | undefined
  for await (const { columns, rows } of batches) {
    toRow ??= rowMaker(columns)
    if (columns.length > columnsMax) seen.cut = 'columns'
    const wanted = rows.slice(0, rowsMax - seen.rows)
    seen.rows += wanted.length
    const lines: string[] = []
    for (const values of wanted) lines.push(JSON.stringify(toRow(values).row), '\n')
    yield Buffer.from(lines.join(''))
    if (wanted.length === rows.length) continue
    seen.cut = 'rows'
    return
  }
}

async function beginToRead(
  { dialect, connection, timeoutMs }: DatabaseSession,
  { sql, parameters }: SqlQuery,
): Promise<AsyncGenerator<Batch, Outcome>> {
  assertReads(dialect, sql)
  const statement = bindParameters(dialect, sql, parameters)
  await connection.begin({ readOnly: true, timeoutMs })
  return connection.run(statement)
}

function assertReads(dialect: Dialect, sql: string): void {
  const word = firstWord(sql, dialect.lexis)
  if (!dialect.readWords.includes(word))
    throw new AppError(
      'step_failed',
      `sql.query only reads: on ${dialect.title} its statement begins with ${dialect.readWords.join(', ')}. Use sql.execute to write.`,
    )
  const refused = dialect.refusesToRead?.(sql)
  if (refused !== undefined) throw new AppError('step_failed', `sql.query only reads: ${refused}.`)
}
