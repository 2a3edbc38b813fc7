import { constants, DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Worker } from 'node:worker_threads'

// SQLite computes in the thread that asks it, for as long as it takes: it does so in a process of its own, which can be killed.

export type Request =
  | { op: 'open'; path: string }
  | { op: 'begin'; readOnly: boolean }
  | { op: 'commit' }
  | { op: 'start'; sql: string; values: SQLInputValue[] }
  | { op: 'next' }
  | { op: 'stop' }

export interface Answer {
  error?: { errcode?: number; message: string }
  columns?: string[]
  rows?: unknown[][]
  /** Of the statement that has come to its end. */
  outcome?: { changes: number; totalChanges: number; lastId: bigint }
}

const valueBytesMax = 16 * 1024 * 1024
const heapBytesMax = 128 * 1024 * 1024
/** Of 4 KiB each. */
const pagesMax = 262_144
const busyMs = 5_000
const rowsOfBatch = 1_000
const bytesOfBatch = 1024 * 1024

/** They tell, and change nothing beyond the session; with a value those that set nothing about files. */
const pragmas = new Set([
  ...[
    'application_id',
    'collation_list',
    'compile_options',
    'data_version',
    'defer_foreign_keys',
    'encoding',
  ],
  ...[
    'foreign_key_check',
    'foreign_key_list',
    'foreign_keys',
    'freelist_count',
    'function_list',
    'index_info',
  ],
  ...[
    'index_list',
    'index_xinfo',
    'integrity_check',
    'page_count',
    'page_size',
    'quick_check',
    'schema_version',
  ],
  ...['table_info', 'table_list', 'table_xinfo', 'user_version'],
])
const onlyRead = new Set(['encoding', 'page_size', 'schema_version'])

let database: DatabaseSync | undefined
let openPath = ''
let isOurs = true
let running: Iterator<unknown[]> | undefined
let totalBefore = 0

function open(path: string): void {
  database?.close()
  isOurs = true
  openPath = path
  database = new DatabaseSync(path, {
    timeout: busyMs,
    allowExtension: false,
    enableForeignKeyConstraints: true,
    defensive: true,
  })
  database.limits.attach = 0
  database.limits.length = valueBytesMax
  database.exec(
    `PRAGMA hard_heap_limit = ${heapBytesMax}; PRAGMA max_page_count = ${pagesMax}; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF`,
  )
  database.setAuthorizer((action, first, second) =>
    isOurs || isAllowed(action, first, second) ? constants.SQLITE_OK : constants.SQLITE_DENY,
  )
}

function isAllowed(action: number, first: string | null, second: string | null): boolean {
  if (action === constants.SQLITE_ATTACH || action === constants.SQLITE_DETACH) return false
  if (action !== constants.SQLITE_PRAGMA) return true
  const name = (first ?? '').toLowerCase()
  return pragmas.has(name) && (second === null || !onlyRead.has(name))
}

/** Our own statements, which the authorizer lets pass. */
function own<T>(work: (database: DatabaseSync) => T): T {
  isOurs = true
  try {
    return work(database as DatabaseSync)
  } finally {
    isOurs = false
  }
}

const numbers = () =>
  own((db) => {
    const statement = db.prepare(
      'SELECT changes() AS changes, total_changes() AS total, last_insert_rowid() AS id',
    )
    statement.setReadBigInts(true)
    return statement.get() as { changes: bigint; total: bigint; id: bigint }
  })

function start(sql: string, values: SQLInputValue[]): Answer {
  totalBefore = Number(numbers().total)
  const statement = (database as DatabaseSync).prepare(sql)
  statement.setReadBigInts(true)
  statement.setReturnArrays(true)
  const columns = statement.columns().map(({ name }) => name)
  if (columns.length === 0) {
    statement.run(...values)
    return { columns, rows: [], outcome: outcome() }
  }
  running = statement.iterate(...values) as unknown as Iterator<unknown[]>
  return { columns, ...next() }
}

function outcome(): NonNullable<Answer['outcome']> {
  running = undefined
  const { changes, total, id } = numbers()
  return { changes: Number(changes), totalChanges: Number(total) - totalBefore, lastId: id }
}

function next(): Answer {
  const rows: unknown[][] = []
  for (let bytes = 0; rows.length < rowsOfBatch && bytes < bytesOfBatch; ) {
    const { done, value } = (running as Iterator<unknown[]>).next()
    if (done) return { rows, outcome: outcome() }
    rows.push(value)
    for (const one of value) bytes += typeof one === 'string' || one instanceof Uint8Array ? one.length : 8
  }
  return { rows }
}

function answer(request: Request): Answer {
  switch (request.op) {
    case 'open':
      open(request.path || openPath)
      isOurs = false
      return {}
    case 'begin':
      own((db) => {
        if (request.readOnly) db.exec('PRAGMA query_only = ON; BEGIN')
        else db.exec('BEGIN IMMEDIATE')
      })
      return {}
    case 'commit':
      own((db) => db.exec('COMMIT'))
      return {}
    case 'start':
      return start(request.sql, request.values)
    case 'next':
      return next()
    case 'stop':
      running?.return?.()
      running = undefined
      return {}
  }
}

/** Nobody else ends this process where its parent dies while a statement computes. */
const watch = `const parent = process.ppid; setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), 1000)`
new Worker(watch, { eval: true }).unref()

process.on('message', (request: Request) => {
  try {
    process.send?.(answer(request))
  } catch (error) {
    running = undefined
    const { errcode, message } = error as { errcode?: number; message: string }
    process.send?.({ error: { message, ...(errcode === undefined ? {} : { errcode }) } })
  }
})
