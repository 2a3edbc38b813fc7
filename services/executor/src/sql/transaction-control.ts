import { AppError } from '@opsconductor/errors'
import type { Dialect, Statement } from './dialect.ts'
import { firstWord, firstWords } from './lexis.ts'

const control = new Set(['COMMIT', 'ROLLBACK', 'ABORT', 'SAVEPOINT', 'RELEASE', 'XA', 'END', 'BEGIN'])
const controlPairs = new Set(
  ['START', 'PREPARE', 'SAVE', 'BEGIN'].flatMap((word) => [`${word} TRAN`, `${word} TRANSACTION`]),
)

/** Refuses what would end the step's transaction before its time, and with it the promise of all or nothing. */
export function assertNoControl({ lexis, script }: Dialect, sql: string): void {
  const [first = '', second = ''] = firstWords(sql, lexis, 2)
  const isControl = control.has(first) && !(first === 'BEGIN' && script.beginIsBlock === true)
  if (!isControl && !controlPairs.has(`${first} ${second}`)) return
  throw new AppError(
    'step_failed',
    `${first} is not for a statement: the step itself begins and ends one transaction around all of them.`,
  )
}

const definitions = new Set(
  'CREATE ALTER DROP TRUNCATE RENAME GRANT REVOKE COMMENT ANALYZE LOCK UNLOCK OPTIMIZE REPAIR'.split(' '),
)

/** What became of the statements that ran in a transaction, of which the last one failed. */
export function keptStatements(
  { title, lexis, definitionsCommit }: Dialect,
  ran: readonly Statement[],
): string {
  const last = ran.findLastIndex(({ sql }) => definitions.has(firstWord(sql, lexis)))
  if (!definitionsCommit || last < 0) return 'nothing was changed'
  return `what came before the definition in statement ${last + 1} stays, because ${title} commits there`
}
