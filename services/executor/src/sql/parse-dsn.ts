import { AppError } from '@opsconductor/errors'

export type DialectName = 'postgres' | 'mysql' | 'mssql' | 'oracle' | 'sqlite'

export interface DatabaseTarget {
  dialect: DialectName
  /** '' for a file. */
  host: string
  port: number
  /** Database, service or file. */
  database: string
  user: string
  password: string
  /** undefined: no TLS; else whether the server's certificate must be valid for its name. `strict`: TLS before anything else. */
  tls: { verify: boolean; strict?: true } | undefined
}

const dialectOf: Readonly<Record<string, DialectName>> = {
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
  'mysql:': 'mysql',
  'mariadb:': 'mysql',
  'mssql:': 'mssql',
  'sqlserver:': 'mssql',
  'oracle:': 'oracle',
  'sqlite:': 'sqlite',
}
const defaultPorts = { postgres: 5432, mysql: 3306, mssql: 1433, oracle: 1521, sqlite: 0 }

const sslModes: Record<string, DatabaseTarget['tls']> = {
  disable: undefined,
  require: { verify: true },
  'verify-ca': { verify: true },
  'verify-full': { verify: true },
  'no-verify': { verify: false },
}

/**
 * A DSN in its parts. Everything is taken from the DSN and nothing from the process's environment; of its parameters only
 * those on TLS count, so that none can point the connection elsewhere. Errors never quote the DSN.
 */
export function parseDsn(dsn: string): DatabaseTarget {
  const url = URL.canParse(dsn) ? new URL(dsn) : undefined
  const dialect = dialectOf[url?.protocol ?? '']
  if (url === undefined || dialect === undefined) throw unusable('is not a URL of a database')
  if (dialect === 'sqlite') return fileTarget(dsn)
  if (url.hostname === '') throw unusable('names no host')
  try {
    const user = decodeURIComponent(url.username)
    if (user === '') throw unusable('names no user')
    const database = decodeURIComponent(url.pathname.slice(1))
    if (database === '' && dialect === 'oracle') throw unusable('names no service')
    return {
      dialect,
      host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? defaultPorts[dialect] : Number(url.port),
      database: database === '' && dialect === 'postgres' ? user : database,
      user,
      password: decodeURIComponent(url.password),
      tls: tlsOf(dialect, url.searchParams),
    }
  } catch (error) {
    throw error instanceof AppError ? error : unusable('is not well percent-encoded')
  }
}

function tlsOf(dialect: DialectName, parameters: URLSearchParams): DatabaseTarget['tls'] {
  if (dialect === 'oracle') return parameters.get('protocol') === 'tcps' ? { verify: true } : undefined
  if (dialect === 'mssql') {
    const encrypt = parameters.get('encrypt') ?? 'false'
    if (!['true', 'false', 'strict'].includes(encrypt)) throw unusable('has an encrypt that is not supported')
    const verify = parameters.get('trustServerCertificate') !== 'true'
    if (encrypt === 'false') return undefined
    return encrypt === 'strict' ? { verify, strict: true } : { verify }
  }
  const mode = parameters.get('sslmode') ?? 'disable'
  if (!Object.hasOwn(sslModes, mode)) throw unusable('has an sslmode that is not supported')
  return sslModes[mode]
}

/** A bare name: neither a path, nor a journal of another file. */
const fileName = /^[A-Za-z0-9][\w.-]{0,99}\.(?:db|sqlite|sqlite3)$/

function fileTarget(dsn: string): DatabaseTarget {
  const database = dsn.slice('sqlite:///'.length)
  if (!dsn.startsWith('sqlite:///') || !fileName.test(database))
    throw unusable('must name an SQLite file like sqlite:///name.db')
  return { dialect: 'sqlite', host: '', port: 0, database, user: '', password: '', tls: undefined }
}

const unusable = (fault: string) => new AppError('step_failed', `The credential's DSN ${fault}.`)
