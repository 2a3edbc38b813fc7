import { AppError } from '@opsconductor/errors'

export interface DatabaseTarget {
  host: string
  port: number
  database: string
  user: string
  password: string
  /** undefined: no TLS; else whether the server's certificate must be valid for its name. */
  tls: { verify: boolean } | undefined
}

const tlsModes: Record<string, DatabaseTarget['tls']> = {
  disable: undefined,
  require: { verify: true },
  'verify-ca': { verify: true },
  'verify-full': { verify: true },
  'no-verify': { verify: false },
}

/**
 * A `postgres://` DSN in its parts. Everything is taken from the DSN and nothing from the process's environment; of its
 * parameters only `sslmode` counts, so that none can point the connection elsewhere. Errors never quote the DSN.
 */
export function parseDsn(dsn: string): DatabaseTarget {
  const url = URL.canParse(dsn) ? new URL(dsn) : undefined
  if (url === undefined || !/^postgres(?:ql)?:$/.test(url.protocol) || url.hostname === '')
    throw unusable('is not a postgres:// URL')
  const mode = url.searchParams.get('sslmode') ?? 'disable'
  if (!Object.hasOwn(tlsModes, mode)) throw unusable('has an sslmode that is not supported')
  try {
    const user = decodeURIComponent(url.username)
    if (user === '') throw unusable('names no user')
    return {
      host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? 5432 : Number(url.port),
      database: decodeURIComponent(url.pathname.slice(1)) || user,
      user,
      password: decodeURIComponent(url.password),
      tls: tlsModes[mode],
    }
  } catch (error) {
    throw error instanceof AppError ? error : unusable('is not well percent-encoded')
  }
}

const unusable = (fault: string) => new AppError('step_failed', `The credential's DSN ${fault}.`)
