import type { Duplex } from 'node:stream'
import pg from 'pg'
import Cursor from 'pg-cursor'
import type { ConnectionWay, DatabaseConnection, Dialect, Outcome, Statement } from '../dialect.ts'
import { bytesOf } from '../json-values.ts'
import { limitBatches, logIn } from '../login-socket.ts'
import type { DatabaseTarget } from '../parse-dsn.ts'
import type { SqlFault } from '../sql-error.ts'
import { getTypeParser } from './postgres-values.ts'

/** The parts of a pg connection that its types leave out. */
type Client = pg.Client & {
  processID: number
  secretKey: number
  connection: { stream: Duplex; sendCopyFail(message: string): void }
  getTransactionStatus(): string | null
}

const isolation = {
  'read uncommitted': 'READ UNCOMMITTED',
  'read committed': 'READ COMMITTED',
  'repeatable read': 'REPEATABLE READ',
  serializable: 'SERIALIZABLE',
} as const

export const postgres: Dialect = {
  title: 'PostgreSQL',
  lexis: { escapeStrings: true, dollarQuotes: true, nestedComments: true },
  script: { blocks: 'atomic', delimiters: { semicolon: true, custom: false, go: false, slash: false } },
  placeholder: (place) => `$${place}`,
  repeatsValues: false,
  // Objects go in as JSON text, which PostgreSQL reads as json or jsonb; lists stay lists for `= ANY($1)`.
  toValue(value) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return bytesOf(value) ?? JSON.stringify(value)
  },
  // What else would write is refused by its read-only transaction.
  readWords: ['SELECT', 'WITH', 'VALUES', 'TABLE', 'SHOW', 'EXPLAIN'],
  isolation,
  definitionsCommit: false,
  probe: 'SELECT 1',
  open,
  faultOf,
}

async function open(target: DatabaseTarget, way: ConnectionWay): Promise<DatabaseConnection> {
  const stream = await way.connect()
  const client = new pg.Client({
    stream: () => alreadyConnected(stream),
    host: target.host,
    port: target.port,
    database: target.database,
    user: target.user,
    // A function, because an empty password would be looked for in PGPASSWORD and ~/.pgpass.
    password: () => target.password,
    ssl: target.tls === undefined ? false : { ...way.tls, rejectUnauthorized: target.tls.verify },
    application_name: 'opsconductor-step',
    options: '',
    keepAlive: true,
  }) as Client
  client.on('error', () => stream.destroy())
  await logIn(stream, () => client.connect())
  return connectionOf(client, stream, way)
}

/** The driver connects whatever it is given. */
function alreadyConnected(stream: Duplex): Duplex {
  return Object.assign(stream, {
    connect() {
      process.nextTick(() => stream.emit('connect'))
      return stream
    },
  })
}

function connectionOf(client: Client, stream: Duplex, way: ConnectionWay): DatabaseConnection {
  const batches = limitBatches(client.connection.stream)
  return {
    isUsable: () => !stream.destroyed && !client.connection.stream.destroyed,
    async begin({ readOnly, isolation: level, timeoutMs }) {
      const mode = readOnly ? 'READ ONLY' : 'READ WRITE'
      const at = level === undefined ? '' : ` ISOLATION LEVEL ${isolation[level as keyof typeof isolation]}`
      const timeout = Math.max(1, Math.ceil(timeoutMs))
      await client.query(`BEGIN${at} ${mode}; SET LOCAL statement_timeout = ${timeout}`)
    },
    async commit() {
      const { command } = await client.query('COMMIT')
      if (command !== 'COMMIT') throw new Error('the transaction was rolled back')
    },
    async reset() {
      if (client.getTransactionStatus() !== 'I') await client.query('ROLLBACK')
      await client.query('DISCARD ALL')
    },
    run: (statement) => readByCursor(client, statement, batches),
    async cancel() {
      const cancelling = await way.connect()
      // The server says nothing and hangs up; as for a login, it has no more than so long for that.
      await logIn(cancelling, async () => {
        cancelling.end(cancelRequest(client))
        await new Promise((resolve) => cancelling.once('close', resolve).resume())
      })
    },
    destroy: () => {
      stream.destroy()
    },
  }
}

const firstRows = 16
/** Behind small rows large ones may come: so many of 32 KB are still let in as one batch. */
const rowsMaxOfBatch = 1_000
const batchBytes = 1024 * 1024

async function* readByCursor(
  client: Client,
  { sql, values }: Statement,
  batches: { nextBatch(): number },
): AsyncGenerator<{ columns: string[]; rows: unknown[][] }, Outcome> {
  // The extended protocol takes one statement only; a cursor reads no more rows than are asked for.
  const cursor = client.query(new Cursor(sql, values, { rowMode: 'array', types: { getTypeParser } }))
  Object.assign(cursor, refuseCopy)
  let isOpen = true
  let columns: string[] | undefined
  let seen = 0
  try {
    for (let count = firstRows; ; ) {
      batches.nextBatch()
      const { rows, result } = await readRows(cursor, count)
      isOpen = rows.length === count
      columns ??= result.fields.map(({ name }) => name)
      if (rows.length > 0 || columns.length > 0) yield { columns, rows }
      seen += rows.length
      if (!isOpen) return { affectedRows: changedBy(result, columns.length > 0 ? seen : null) }
      const bytesOfRow = Math.max(1, batches.nextBatch() / count)
      count = Math.max(1, Math.min(rowsMaxOfBatch, count * 8, Math.floor(batchBytes / bytesOfRow)))
    }
  } catch (error) {
    isOpen = false
    throw error
  } finally {
    if (isOpen) await cursor.close()
  }
}

const changing = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE', 'COPY'])

/** Where rows are returned, the server's own count is of the last batch only. */
const changedBy = ({ command, rowCount }: pg.QueryArrayResult, returned: number | null): number | null =>
  changing.has(command) ? (returned ?? rowCount) : null

/** A cursor does not expect COPY from or to the client; without these the driver would throw where nobody catches. */
const refuseCopy = {
  handleCopyInResponse: (connection: Client['connection']) =>
    connection.sendCopyFail('COPY FROM STDIN is not supported'),
  handleCopyData() {},
}

function readRows(cursor: Cursor, count: number) {
  return new Promise<{ rows: unknown[][]; result: pg.QueryArrayResult }>((resolve, reject) => {
    cursor.read(count, (error, rows, result) => (error ? reject(error) : resolve({ rows, result })))
  })
}

/** The protocol's CancelRequest, which needs no login. */
function cancelRequest({ processID, secretKey }: Client): Buffer {
  const message = Buffer.alloc(16)
  for (const [index, word] of [16, 80_877_102, processID, secretKey].entries())
    message.writeInt32BE(word, index * 4)
  return message
}

/** By SQLSTATE; lost connections, too many of them, a server that starts or stops. */
const unreachable = /^(?:08...|53...|57P0[1-5])$/

function faultOf(error: unknown): SqlFault {
  const {
    code = '',
    message = '',
    severity,
  } = error as { code?: string; message?: string; severity?: string }
  // The driver's words for a server that answers its request for TLS with a no.
  if (/does not support SSL/.test(message)) return { kind: 'tls', code, message: 'it does not speak TLS' }
  if (severity === undefined) return { kind: 'unknown', code }
  if (/^28/.test(code)) return { kind: 'login', code }
  if (code === '3D000') return { kind: 'no database', code }
  if (code === '25006') return { kind: 'writes', code }
  if (code === '57014' && !message.startsWith('COPY')) return { kind: 'timeout', code }
  if (code === '40001' || code === '40P01') return { kind: 'conflict', code }
  return unreachable.test(code) ? { kind: 'unreachable', code } : { kind: 'statement', code, message }
}
