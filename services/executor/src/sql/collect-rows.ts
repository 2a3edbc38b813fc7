import { AppError } from '@opsconductor/errors'
import { columnKeys } from './column-names.ts'
import type { Batch, Outcome } from './dialect.ts'
import { toJsonValue } from './json-values.ts'

type Row = Record<string, unknown>

export interface RowLimits {
  rowsMax: number
  /** Of the rows as JSON, estimated. */
  bytesMax: number
  /** Reads on behind the limits and keeps nothing of it: a statement that changes something is never stopped half-way. */
  readsOn?: boolean
}

export interface SqlRows {
  rows: Row[]
  row_count: number
  /** There was more than the limits let through. */
  truncated: boolean
  truncated_by?: 'rows' | 'bytes' | 'columns'
}

/** Columns behind this one are left out. */
export const columnsMax = 500

/** The rows up to the limits, how many bytes they are, and the statement's outcome; null where it was stopped at a limit. */
export async function collectRows(
  batches: AsyncGenerator<Batch, Outcome>,
  { rowsMax, bytesMax, readsOn = false }: RowLimits,
): Promise<SqlRows & { outcome: Outcome | null; bytes: number }> {
  const rows: Row[] = []
  let bytes = 0
  let toRow: ReturnType<typeof rowMaker> | undefined
  let cut: SqlRows['truncated_by']
  const result = (outcome: Outcome | null) => ({
    rows,
    row_count: rows.length,
    truncated: cut !== undefined,
    ...(cut === undefined ? {} : { truncated_by: cut }),
    outcome,
    bytes,
  })
  for (;;) {
    const { done, value } = await batches.next()
    if (done) return result(value)
    toRow ??= rowMaker(value.columns)
    if (value.columns.length > columnsMax) cut ??= 'columns'
    for (const values of value.rows) {
      if (cut === 'rows' || cut === 'bytes') break
      const made = toRow(values)
      if (rows.length < rowsMax && bytes + made.bytes <= bytesMax) {
        rows.push(made.row)
        bytes += made.bytes
      } else cut = rows.length === rowsMax ? 'rows' : 'bytes'
    }
    if ((cut !== 'rows' && cut !== 'bytes') || readsOn) continue
    await batches.return(undefined as never)
    if (rows.length === 0) throw tooLargeRow(bytesMax)
    return result(null)
  }
}

const tooLargeRow = (bytesMax: number) =>
  new AppError('target_answer_too_large', `One row of the answer is larger than ${bytesMax} bytes.`)

/** Rows as objects, one maker for all rows of an answer. */
export function rowMaker(names: readonly string[]): (values: unknown[]) => { row: Row; bytes: number } {
  const keys = columnKeys(names.slice(0, columnsMax))
  const bytesOfKeys = keys.reduce((sum, key) => sum + key.length + 4, 2)
  return (values) => {
    const row: Row = {}
    let bytes = bytesOfKeys
    for (let i = 0; i < keys.length; i++) {
      const value = toJsonValue(values[i])
      row[keys[i] as string] = value
      if (typeof value === 'string') bytes += value.length
      else bytes += typeof value === 'object' && value !== null ? JSON.stringify(value).length : 8
    }
    return { row, bytes }
  }
}
