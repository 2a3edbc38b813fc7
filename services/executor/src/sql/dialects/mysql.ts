import type { Duplex } from 'node:stream'
import mysql from 'mysql2'
import type { Batch, ConnectionWay, DatabaseConnection, Dialect, Outcome, Statement } from '../dialect.ts'
import { bytesOf, parseJson } from '../json-values.ts'
import { limitBatches, logIn, loginMsMax } from '../login-socket.ts'
import type { DatabaseTarget } from '../parse-dsn.ts'
import { createRowQueue } from '../row-queue.ts'
import { mysqlFault } from './mysql-faults.ts'

/** The parts of a mysql2 connection that its types leave out. */
type Connection = mysql.Connection & { stream: Duplex; reset(done: (error?: Error | null) => void): void }

const isolation = {
  'read uncommitted': 'READ UNCOMMITTED',
  'read committed': 'READ COMMITTED',
  'repeatable read': 'REPEATABLE READ',
  serializable: 'SERIALIZABLE',
} as const

const mayWriteFiles = /\b(?:outfile|dumpfile)\b/i

/** MySQL and MariaDB. */
export const mysqlDialect: Dialect = {
  title: 'MySQL',
  lexis: { backslashes: true, backticks: true, mysqlComments: true },
  script: { delimiters: { semicolon: true, custom: true, go: false, slash: false } },
  placeholder: () => '?',
  repeatsValues: true,
  toValue(value) {
    // As a double an integer could not stand in LIMIT.
    if (typeof value === 'number')
      return Number.isSafeInteger(value) ? mysql.TypedParameter.BIGINT(value) : value
    if (typeof value !== 'object' || value === null) return value
    return bytesOf(value) ?? JSON.stringify(value)
  },
  readWords: ['SELECT', 'WITH', 'VALUES', 'TABLE', 'SHOW', 'EXPLAIN', 'DESCRIBE', 'DESC'],
  // A read-only transaction lets SELECT write files of the server, and the session decides what is a literal.
  refusesToRead: (sql) =>
    mayWriteFiles.test(sql) ? 'OUTFILE and DUMPFILE write files; give the word as a parameter' : undefined,
  isolation,
  definitionsCommit: true,
  probe: 'SELECT 1',
  open,
  faultOf: mysqlFault,
}

async function open(target: DatabaseTarget, way: ConnectionWay): Promise<DatabaseConnection> {
  const stream = await way.connect()
  // The driver gives TLS no name where the host is an address; Node then takes this one.
  Object.assign(stream, { _host: target.host })
  const connection = mysql.createConnection({
    stream,
    host: target.host,
    port: target.port,
    user: target.user,
    password: target.password,
    ...(target.database === '' ? {} : { database: target.database }),
    ...(target.tls === undefined
      ? {}
      : { ssl: { ...way.tls, rejectUnauthorized: target.tls.verify, verifyIdentity: target.tls.verify } }),
    charset: 'utf8mb4',
    flags: ['-LOCAL_FILES'],
    multipleStatements: false,
    // The driver would otherwise make code out of the names that a server sends.
    disableEval: true,
    rowsAsArray: true,
    supportBigNumbers: true,
    bigNumberStrings: false,
    dateStrings: true,
    jsonStrings: true,
    maxPreparedStatements: 20,
    connectAttributes: { program_name: 'opsconductor-step' },
  } as mysql.ConnectionOptions) as Connection
  connection.on('error', () => stream.destroy())
  // A packet out of order: the driver would take the next one, and print a line for each.
  connection.once('warn', (error: Error) => {
    Object.assign(connection, { handlePacket() {} })
    stream.destroy(error)
  })
  await logIn(
    stream,
    () =>
      new Promise<void>((resolve, reject) =>
        connection.connect((error) => (error ? reject(error) : resolve())),
      ),
  )
  return connectionOf(connection, target, way)
}

function connectionOf(
  connection: Connection,
  target: DatabaseTarget,
  way: ConnectionWay,
): DatabaseConnection {
  const batches = limitBatches(connection.stream)
  const ask = (sql: string) =>
    new Promise<void>((resolve, reject) => {
      connection.query(sql, (error: Error | null) => (error ? reject(error) : resolve()))
    })
  return {
    isUsable: () => !connection.stream.destroyed,
    async begin({ readOnly, isolation: level }) {
      if (level !== undefined)
        await ask(`SET TRANSACTION ISOLATION LEVEL ${isolation[level as keyof typeof isolation]}`)
      await ask(`START TRANSACTION ${readOnly ? 'READ ONLY' : 'READ WRITE'}`)
    },
    commit: () => ask('COMMIT'),
    async reset() {
      await new Promise<void>((resolve, reject) => {
        connection.reset((error) => (error ? reject(error) : resolve()))
      })
      // The server's default comes back with a reset, which need not be UTF-8.
      await ask('SET NAMES utf8mb4')
    },
    run: (statement) => pull(connection, statement, batches),
    async cancel() {
      const other = await open(target, way)
      // Nothing ends a statement that the server leaves without an answer.
      const giveUp = setTimeout(() => other.destroy(), loginMsMax)
      try {
        for await (const _ of other.run({ sql: `KILL QUERY ${connection.threadId}`, values: [] }));
      } finally {
        clearTimeout(giveUp)
        other.destroy()
      }
    },
    destroy: () => destroy(connection),
  }
}

/** The driver's own waits for what is still to be read. */
function destroy(connection: Connection): void {
  connection.destroy()
  connection.stream.destroy()
}

const jsonType = 245

/** MariaDB's JSON is a text, which only its longer description of a column tells from others. */
const isJson = (field: mysql.FieldPacket): boolean =>
  field.columnType === jsonType || (field as { extendedFormat?: string }).extendedFormat === 'json'

function pull(
  connection: Connection,
  { sql, values }: Statement,
  batches: { nextBatch(): number },
): AsyncGenerator<Batch, Outcome> {
  const queue = createRowQueue({
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    stop: () => destroy(connection),
  })
  batches.nextBatch()
  // Prepared on the server where there are values; without any, the plain protocol takes statements that cannot be prepared.
  const query = values.length === 0 ? connection.query(sql) : connection.execute(sql, values as never)
  let fieldSets = 0
  let toRow: (values: unknown[]) => unknown[] = (row) => row
  let outcome: Outcome = { affectedRows: null }
  query.on('fields', (fields: mysql.FieldPacket[] | undefined) => {
    // Of a procedure with several answers the rows of the first one count.
    if (fields === undefined || ++fieldSets > 1) return
    queue.columns(fields.map(({ name }) => name))
    const json = fields.flatMap((field, index) => (isJson(field) ? [index] : []))
    if (json.length > 0) toRow = (row) => withJson(row, json)
  })
  query.on('result', (result: unknown) => {
    const size = batches.nextBatch()
    if (Array.isArray(result)) {
      if (fieldSets <= 1) keep(() => queue.row(toRow(result), size))
    } else if (fieldSets === 0) outcome = outcomeOf(result as mysql.ResultSetHeader)
  })
  query.on('error', queue.fail)
  query.on('end', () => queue.end(outcome))
  return queue.batches()

  function keep(add: () => void): void {
    try {
      add()
    } catch (error) {
      queue.fail(error)
      destroy(connection)
    }
  }
}

const withJson = (row: unknown[], json: number[]): unknown[] => {
  for (const index of json) if (typeof row[index] === 'string') row[index] = parseJson(row[index])
  return row
}

const outcomeOf = ({ affectedRows, insertId }: mysql.ResultSetHeader): Outcome => ({
  affectedRows,
  ...(insertId ? { insertId } : {}),
})
