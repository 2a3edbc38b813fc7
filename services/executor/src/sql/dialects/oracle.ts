import { AppError } from '@opsconductor/errors'
import oracledb, { type Connection, type Type } from 'oracledb'
import type { Batch, ConnectionWay, DatabaseConnection, Dialect, Outcome, Statement } from '../dialect.ts'
import { bytesOf, safeInteger } from '../json-values.ts'
import { logIn, loginMsMax } from '../login-socket.ts'
import type { DatabaseTarget } from '../parse-dsn.ts'
import { oracleFault } from './oracle-faults.ts'
import { type Relay, startRelay } from './oracle-relay.ts'

const isolation = { 'read committed': 'READ COMMITTED', serializable: 'SERIALIZABLE' } as const

export const oracle: Dialect = {
  title: 'Oracle',
  lexis: { alternativeQuotes: true },
  script: {
    beginIsBlock: true,
    plsql: true,
    delimiters: { semicolon: true, custom: false, go: false, slash: true },
  },
  placeholder: (place) => `:${place}`,
  repeatsValues: true,
  toValue(value) {
    if (typeof value === 'boolean') return value ? 1 : 0
    if (typeof value !== 'object' || value === null) return value
    return bytesOf(value) ?? JSON.stringify(value)
  },
  // Definitions would end the read-only transaction, and begin with other words.
  readWords: ['SELECT', 'WITH'],
  isolation,
  definitionsCommit: true,
  probe: 'SELECT 1 FROM dual',
  open,
  faultOf: oracleFault,
}

/** What may stand in a connect descriptor without meaning anything there. */
const serviceName = /^[\w.$#-]{1,200}$/

export function connectStringOf(service: string, port: number): string {
  if (!serviceName.test(service))
    throw new AppError('step_failed', "The credential's DSN names no usable service.")
  const seconds = loginMsMax / 1000
  return `(DESCRIPTION=(CONNECT_TIMEOUT=${seconds})(RETRY_COUNT=0)(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT=${port}))(CONNECT_DATA=(SERVICE_NAME=${service})))`
}

/** The formats of texts that dates come as, the same for every session. */
const sessionFormats = `ALTER SESSION SET NLS_DATE_FORMAT = 'YYYY-MM-DD HH24:MI:SS'
  NLS_TIMESTAMP_FORMAT = 'YYYY-MM-DD HH24:MI:SS.FF' NLS_TIMESTAMP_TZ_FORMAT = 'YYYY-MM-DD"T"HH24:MI:SS.FFTZH:TZM'
  NLS_NUMERIC_CHARACTERS = '.,'`

async function open(target: DatabaseTarget, way: ConnectionWay): Promise<DatabaseConnection> {
  const stream = await way.connect()
  return logIn(stream, async () => {
    const relay = await startRelay(stream, target, way.tls)
    try {
      const { user, password, database } = target
      const connection = await oracledb.getConnection({
        user,
        password,
        connectString: connectStringOf(database, relay.port),
      })
      await connection.execute(sessionFormats, [], {})
      return connectionOf(connection, relay)
    } catch (error) {
      relay.close()
      throw relay.fault() ?? error
    }
  })
}

function connectionOf(connection: Connection, relay: Relay): DatabaseConnection {
  let isTainted = false
  return {
    isUsable: () => connection.isHealthy(),
    async begin({ readOnly, isolation: level = 'read committed', timeoutMs }) {
      isTainted = !readOnly
      connection.callTimeout = Math.ceil(timeoutMs)
      const mode = readOnly ? 'READ ONLY' : `ISOLATION LEVEL ${isolation[level as keyof typeof isolation]}`
      await connection.execute(`SET TRANSACTION ${mode}`, [], {})
    },
    commit: () => connection.commit(),
    async reset() {
      await connection.rollback()
      // What ALTER SESSION and packages leave behind cannot be undone.
      if (isTainted) throw new Error('the session is not clean')
    },
    run: (statement) => pull(connection, statement),
    cancel: () => connection.break(),
    destroy() {
      relay.close()
      connection.close({ drop: true }).catch(() => {})
    },
  }
}

const rowsOfBatch = 500

/** As the driver asks for each column how it is fetched. */
function fetchTypes() {
  const asText = new Set([
    ...[
      oracledb.DB_TYPE_NUMBER,
      oracledb.DB_TYPE_DATE,
      oracledb.DB_TYPE_TIMESTAMP,
      oracledb.DB_TYPE_TIMESTAMP_TZ,
    ],
    ...[oracledb.DB_TYPE_TIMESTAMP_LTZ, oracledb.DB_TYPE_CLOB, oracledb.DB_TYPE_NCLOB],
  ])
  return ({ dbType }: { dbType: Type }) => {
    if (dbType === oracledb.DB_TYPE_BLOB) return { type: oracledb.BUFFER }
    if (!asText.has(dbType)) return undefined
    return { type: oracledb.STRING, ...(dbType === oracledb.DB_TYPE_NUMBER ? { converter: numberOf } : {}) }
  }
}

/** Its only number type is a decimal: an integer that fits is a number, all others are texts. */
export const numberOf = (text: string | null): unknown =>
  text !== null && /^-?\d+$/.test(text) ? safeInteger(BigInt(text)) : text

async function* pull(connection: Connection, { sql, values }: Statement): AsyncGenerator<Batch, Outcome> {
  const fetchTypeHandler = fetchTypes()
  const options = {
    resultSet: true,
    outFormat: oracledb.OUT_FORMAT_ARRAY,
    fetchTypeHandler,
    autoCommit: false,
  }
  const { metaData = [], resultSet, rowsAffected } = await connection.execute(sql, values, options)
  if (resultSet === undefined) return { affectedRows: rowsAffected ?? null }
  const columns = metaData.map(({ name }) => name)
  try {
    for (;;) {
      const rows = await resultSet.getRows(rowsOfBatch)
      yield { columns, rows }
      if (rows.length < rowsOfBatch) return { affectedRows: null }
    }
  } finally {
    await resultSet.close().catch(() => {})
  }
}
