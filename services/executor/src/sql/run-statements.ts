import { AppError } from '@opsconductor/errors'
import { bindParameters, type Parameters } from './bind-parameters.ts'
import { collectRows, type RowLimits, type SqlRows } from './collect-rows.ts'
import type { DatabaseSession } from './databases.ts'
import type { IsolationLevel, Statement } from './dialect.ts'
import { rowsBytesMax } from './run-query.ts'
import { sqlError } from './sql-error.ts'
import { assertNoControl, keptStatements } from './transaction-control.ts'

export interface StatementResult extends SqlRows {
  affected_rows: number | null
  insert_id?: number | string
}

export interface StatementsOptions {
  isolation?: IsolationLevel | undefined
  rowsMax: number
  /** false: each statement by itself, for those that a transaction does not take. */
  transaction: boolean
}

/**
 * Runs the statements in their order, in one transaction: all of them happen or none. Of an error in several statements the
 * text says which one it was and what became of the others.
 */
export async function runStatements(
  session: DatabaseSession,
  statements: readonly { sql: string; parameters: Parameters }[],
  { isolation, rowsMax, transaction }: StatementsOptions,
): Promise<StatementResult[]> {
  const { dialect, connection, timeoutMs } = session
  if (isolation !== undefined && dialect.isolation[isolation] === undefined)
    throw new AppError('step_failed', `${dialect.title} has no isolation level "${isolation}".`)
  const bound = statements.map(({ sql, parameters }, index) =>
    atStatement(index, statements.length, () => {
      if (transaction) assertNoControl(dialect, sql)
      return bindParameters(dialect, sql, parameters)
    }),
  )
  if (transaction) await connection.begin({ readOnly: false, isolation, timeoutMs })
  const results: StatementResult[] = []
  let bytesLeft = rowsBytesMax
  for (const [index, statement] of bound.entries())
    try {
      const { bytes, ...result } = await runOne(session, statement, { rowsMax, bytesMax: bytesLeft })
      bytesLeft -= bytes
      results.push(result)
    } catch (error) {
      const kept = transaction
        ? keptStatements(dialect, bound.slice(0, index + 1))
        : 'those before it took effect'
      throw placed(sqlError(error, dialect.faultOf), index, bound.length, kept)
    }
  if (transaction) await commit(session)
  return results
}

async function runOne({ connection }: DatabaseSession, statement: Statement, limits: RowLimits) {
  const { outcome, ...rows } = await collectRows(connection.run(statement), { ...limits, readsOn: true })
  return {
    affected_rows: outcome?.affectedRows ?? null,
    ...(outcome?.insertId === undefined ? {} : { insert_id: outcome.insertId }),
    ...rows,
  }
}

async function commit({ dialect, connection }: DatabaseSession): Promise<void> {
  try {
    await connection.commit()
  } catch (error) {
    const known = sqlError(error, dialect.faultOf)
    if (known.code !== 'target_unreachable') throw known
    throw new AppError(
      'step_failed',
      'The connection broke while the transaction was committed: whether it took effect is not known.',
      { cause: error },
    )
  }
}

function placed(error: AppError, index: number, count: number, kept: string): AppError {
  if (count === 1 || error.code !== 'step_failed') return error
  const detail = `Statement ${index + 1} of ${count}: ${error.message.replace(/\.?$/, '')}; ${kept}.`
  return new AppError(error.code, detail, {
    cause: error,
    ...(error.internal && { internal: error.internal }),
  })
}

function atStatement<T>(index: number, count: number, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof AppError ? placed(error, index, count, 'nothing was changed') : error
  }
}
