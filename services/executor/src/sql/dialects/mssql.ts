import type { Duplex } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { AppError } from '@opsconductor/errors'
import { Connection, ISOLATION_LEVEL, Request, TYPES } from 'tedious'
import type { Batch, ConnectionWay, DatabaseConnection, Dialect, Outcome, Statement } from '../dialect.ts'
import { bytesOf } from '../json-values.ts'
import { firstWord, tokens } from '../lexis.ts'
import { limitBatches, logIn, loginMsMax } from '../login-socket.ts'
import type { DatabaseTarget } from '../parse-dsn.ts'
import { createRowQueue } from '../row-queue.ts'
import type { SqlFault } from '../sql-error.ts'
import { type ColumnType, valueReader } from './mssql-values.ts'

const isolation = {
  'read uncommitted': 'READ_UNCOMMITTED',
  'read committed': 'READ_COMMITTED',
  'repeatable read': 'REPEATABLE_READ',
  snapshot: 'SNAPSHOT',
  serializable: 'SERIALIZABLE',
} as const

export const mssql: Dialect = {
  title: 'SQL Server',
  lexis: { brackets: true, nestedComments: true },
  script: { beginIsBlock: true, delimiters: { semicolon: false, custom: false, go: true, slash: false } },
  placeholder: (place) => `@p${place}`,
  repeatsValues: false,
  toValue(value) {
    if (typeof value !== 'object' || value === null) return value
    return bytesOf(value) ?? JSON.stringify(value)
  },
  readWords: ['SELECT', 'WITH'],
  refusesToRead: wordThatWrites,
  isolation,
  definitionsCommit: false,
  probe: 'SELECT 1',
  open,
  faultOf,
}

/**
 * What begins a statement that does more than read. SQL Server has no read-only transactions, and takes several statements
 * with nothing in between. All are reserved: as names they stand in brackets.
 */
const writingWords = new Set(
  `ALTER BACKUP BEGIN BULK CHECKPOINT CLOSE COMMIT CREATE DBCC DEALLOCATE DECLARE DELETE DENY DROP DUMP EXEC EXECUTE FETCH GOTO
  GRANT IF INSERT INTO KILL LOAD MERGE OPEN OPENDATASOURCE OPENQUERY OPENROWSET PRINT RAISERROR READTEXT RECONFIGURE RESTORE
  RETURN REVERT REVOKE ROLLBACK SAVE SET SETUSER SHUTDOWN TRUNCATE UPDATE UPDATETEXT USE WAITFOR WHILE WRITETEXT`.split(
    /\s+/,
  ),
)

/** Those that are no reserved words stand behind a semicolon only. */
function wordThatWrites(sql: string): string | undefined {
  let isOver = false
  for (const { kind, start, end } of tokens(sql, mssql.lexis)) {
    if (kind === 'comment') continue
    if (isOver) return 'the text holds more than one statement'
    const text = sql.slice(start, end)
    if (kind === 'word' && writingWords.has(text.toUpperCase()))
      return `${text.toUpperCase()} is for sql.execute; as a name it stands in brackets`
    isOver = text === ';'
  }
  return undefined
}

async function open(target: DatabaseTarget, way: ConnectionWay): Promise<DatabaseConnection> {
  const stream = await way.connect()
  let isTaken = false
  const { minVersion, ca, cert, key } = way.tls
  const connection = new Connection({
    server: target.host,
    authentication: { type: 'default', options: { userName: target.user, password: target.password } },
    options: {
      port: target.port,
      ...(target.database === '' ? {} : { database: target.database }),
      // Called again where the server sends us to another one, whose address nobody has checked.
      connector: async () => {
        if (isTaken)
          throw new AppError(
            'outbound_denied',
            'The server sends its clients to another one: name that in the DSN.',
          )
        isTaken = true
        return stream as never
      },
      encrypt: target.tls === undefined ? false : target.tls.strict ? 'strict' : true,
      trustServerCertificate: target.tls?.verify === false,
      cryptoCredentialsDetails: { minVersion, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) },
      appName: 'opsconductor-step',
      connectTimeout: loginMsMax,
      requestTimeout: 0,
      useUTC: true,
    },
  })
  connection.on('error', () => stream.destroy())
  connection.once('end', () => stream.destroy())
  await logIn(
    stream,
    () =>
      new Promise<void>((resolve, reject) =>
        connection.connect((error) => (error ? reject(error) : resolve())),
      ),
  )
  return connectionOf(connection, stream)
}

type Done = (callback: (error?: Error | null) => void) => void

const done = (start: Done): Promise<void> =>
  new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())))

function connectionOf(connection: Connection, stream: Duplex): DatabaseConnection {
  const batches = limitBatches(stream)
  const inTransaction = () => (connection as unknown as { inTransaction: boolean }).inTransaction
  return {
    isUsable: () => !stream.destroyed,
    begin: ({ isolation: level = 'read committed' }) =>
      done((callback) => connection.beginTransaction(callback, '', ISOLATION_LEVEL[isolation[level]])),
    async commit() {
      if (!inTransaction())
        throw new AppError(
          'step_failed',
          'A statement ended the transaction of the step: what came before it may have stayed.',
        )
      await done((callback) => connection.commitTransaction(callback))
    },
    async reset() {
      if (inTransaction()) await done((callback) => connection.rollbackTransaction(callback))
      await done((callback) => connection.reset(callback))
    },
    run: (statement) => pull(connection, statement, batches),
    async cancel() {
      connection.cancel()
    },
    destroy() {
      connection.close()
      stream.destroy()
    },
  }
}

const changing = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE'])

interface Cell {
  value: unknown
}

function pull(
  connection: Connection,
  { sql, values }: Statement,
  batches: { nextBatch(): number },
): AsyncGenerator<Batch, Outcome> {
  const ended = Promise.withResolvers<void>()
  const word = firstWord(sql, mssql.lexis)
  let answers = 0
  let read: ((value: unknown) => unknown)[] = []
  const request = new Request(sql, (error, rowCount) => {
    ended.resolve()
    const counts = changing.has(word) || (answers === 0 && rowCount !== undefined)
    if (error) queue.fail(error)
    else queue.end({ affectedRows: counts ? (rowCount ?? 0) : null })
  })
  const queue = createRowQueue({
    pause: () => request.pause(),
    resume: () => request.resume(),
    async stop() {
      connection.cancel()
      request.resume()
      await ended.promise
    },
  })
  batches.nextBatch()
  request.on('columnMetadata', (columns) => {
    // Of several answers the rows of the first one count.
    if (++answers > 1) return
    const list = columns as unknown as (ColumnType & { colName: string })[]
    read = list.map(valueReader)
    queue.columns(list.map(({ colName }) => colName))
  })
  request.on('row', (cells: Cell[]) => {
    const size = batches.nextBatch()
    if (answers > 1) return
    try {
      queue.row(
        cells.map(({ value }, index) => read[index]?.(value)),
        size,
      )
    } catch (error) {
      queue.fail(error)
      connection.cancel()
    }
  })
  void send(connection, request, values)
  return queue.batches()
}

/** The driver is ready for the next request one turn after it has called back for the last. */
async function send(connection: Connection, request: Request, values: unknown[]): Promise<void> {
  await setImmediate()
  for (const [index, value] of values.entries())
    request.addParameter(`p${index + 1}`, TYPES[typeOf(value)], value)
  if (values.length === 0) connection.execSqlBatch(request)
  else connection.execSql(request)
}

function typeOf(value: unknown): 'Bit' | 'VarBinary' | 'NVarChar' | 'Float' | 'Int' | 'BigInt' {
  if (typeof value === 'boolean') return 'Bit'
  if (Buffer.isBuffer(value)) return 'VarBinary'
  if (typeof value !== 'number') return 'NVarChar'
  if (!Number.isSafeInteger(value)) return 'Float'
  return Math.abs(value) < 2 ** 31 ? 'Int' : 'BigInt'
}

const kindOfNumber: Readonly<Record<number, SqlFault['kind']>> = {
  4060: 'no database',
  18456: 'login',
  1205: 'conflict',
  1222: 'conflict',
  3960: 'conflict',
  3906: 'writes',
}

function faultOf(error: unknown): SqlFault {
  const { code = '', number, message = '' } = error as { code?: string; number?: number; message?: string }
  if (number !== undefined)
    return { kind: kindOfNumber[number] ?? 'statement', code: String(number), message }
  if (code === 'ELOGIN')
    return { kind: /^Cannot open database/.test(message) ? 'no database' : 'login', code }
  if (code === 'EENCRYPT') return { kind: 'tls', code, message: 'it does not speak TLS' }
  if (code === 'ECANCEL') return { kind: 'timeout', code }
  if (['ESOCKET', 'ECONNCLOSED', 'ETIMEOUT', 'EINVALIDSTATE'].includes(code))
    return { kind: 'unreachable', code }
  return { kind: 'unknown', code }
}
