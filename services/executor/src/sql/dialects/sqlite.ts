import { type ChildProcess, fork } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError } from '@opsconductor/errors'
import type { Batch, ConnectionWay, DatabaseConnection, Dialect, Outcome, Statement } from '../dialect.ts'
import { bytesOf, safeInteger } from '../json-values.ts'
import { firstWord } from '../lexis.ts'
import { logIn } from '../login-socket.ts'
import type { DatabaseTarget } from '../parse-dsn.ts'
import { splitScript } from '../split-script.ts'
import type { SqlFault } from '../sql-error.ts'
import type { Answer, Request } from './sqlite-child.ts'

export const sqlite: Dialect = {
  title: 'SQLite',
  lexis: { backticks: true, brackets: true },
  script: { blocks: 'trigger', delimiters: { semicolon: true, custom: false, go: false, slash: false } },
  placeholder: (place) => `?${place}`,
  repeatsValues: false,
  toValue(value) {
    if (typeof value === 'boolean') return value ? 1n : 0n
    if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
    if (typeof value !== 'object' || value === null) return value
    return bytesOf(value) ?? JSON.stringify(value)
  },
  readWords: ['SELECT', 'WITH', 'VALUES', 'EXPLAIN', 'PRAGMA'],
  isolation: { serializable: 'SERIALIZABLE' },
  definitionsCommit: false,
  probe: 'SELECT 1',
  open,
  faultOf,
}

const program = fileURLToPath(new URL('./sqlite-child.ts', import.meta.url))
const heapMegabytesMax = 256

async function open(
  { database }: DatabaseTarget,
  { sqliteDirectory }: ConnectionWay,
): Promise<DatabaseConnection> {
  if (sqliteDirectory === undefined)
    throw new AppError('step_failed', 'SQLite is not set up here: the executor has no SQLITE_DIRECTORY.')
  mkdirSync(sqliteDirectory, { recursive: true, mode: 0o700 })
  const child = fork(program, {
    serialization: 'advanced',
    execArgv: [`--max-old-space-size=${heapMegabytesMax}`, '--disable-warning=ExperimentalWarning'],
    env: {},
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const ask = asker(child)
  await logIn({ destroy: () => child.kill('SIGKILL') }, () =>
    ask({ op: 'open', path: join(sqliteDirectory, database) }),
  )
  return connectionOf(child, ask)
}

type Ask = (request: Request) => Promise<Answer>

/** One question at a time. A child that ends in the middle rejects it. */
function asker(child: ChildProcess): Ask {
  let settle: ((answer: Answer) => void) | undefined
  const gone = {
    error: { message: 'SQLite ended in the middle of a statement; it may have needed too much memory' },
  }
  child.on('message', (answer: Answer) => settle?.(answer))
  child.once('exit', () => settle?.(gone))
  child.on('error', () => settle?.(gone))
  return (request) =>
    new Promise((resolve, reject) => {
      settle = ({ error, ...answer }) => {
        settle = undefined
        if (error === undefined) resolve(answer)
        else reject(Object.assign(new Error(error.message), { errcode: error.errcode ?? 0 }))
      }
      if (child.connected) child.send(request, (failed) => failed && settle?.(gone))
      else settle(gone)
    })
}

function connectionOf(child: ChildProcess, ask: Ask): DatabaseConnection {
  const kill = () => {
    child.kill('SIGKILL')
  }
  return {
    isUsable: () => child.connected && !child.killed,
    begin: async ({ readOnly }) => void (await ask({ op: 'begin', readOnly })),
    commit: async () => void (await ask({ op: 'commit' })),
    // Opened anew, it remembers nothing.
    reset: async () => void (await ask({ op: 'open', path: '' })),
    run: (statement) => pull(ask, statement),
    cancel: async () => kill(),
    destroy: kill,
  }
}

const changing = new Set(['INSERT', 'REPLACE', 'UPDATE', 'DELETE'])

async function* pull(ask: Ask, { sql, values }: Statement): AsyncGenerator<Batch, Outcome> {
  // The driver runs the first statement of a text and keeps silent about the others.
  if (splitScript(sqlite, sql).length > 1)
    throw new AppError('step_failed', 'The text holds more than one statement: use sql.script.')
  let answer = await ask({ op: 'start', sql, values: values as never })
  const { columns = [] } = answer
  try {
    for (;;) {
      if (columns.length > 0) yield { columns, rows: answer.rows ?? [] }
      if (answer.outcome !== undefined) return outcomeOf(sql, answer.outcome)
      answer = await ask({ op: 'next' })
    }
  } finally {
    if (answer.outcome === undefined) await ask({ op: 'stop' }).catch(() => {})
  }
}

function outcomeOf(sql: string, { changes, totalChanges, lastId }: NonNullable<Answer['outcome']>): Outcome {
  const word = firstWord(sql, sqlite.lexis)
  if (!changing.has(word) && !(word === 'WITH' && totalChanges > 0)) return { affectedRows: null }
  const isInsert = word === 'INSERT' || word === 'REPLACE'
  return { affectedRows: changes, ...(isInsert && lastId !== 0n ? { insertId: safeInteger(lastId) } : {}) }
}

/** By SQLite's primary result codes, https://sqlite.org/rescode.html. */
function faultOf(error: unknown): SqlFault {
  const { errcode, message } = error as { errcode?: number; message: string }
  if (errcode === undefined) return { kind: 'unknown', code: '' }
  const code = errcode & 0xff
  const text = code === 23 ? 'ATTACH, and PRAGMAs that are about files, are not allowed' : message
  const kinds: Record<number, SqlFault['kind']> = { 5: 'conflict', 6: 'conflict', 8: 'writes' }
  return { kind: kinds[code] ?? 'statement', code: String(errcode), message: text }
}
