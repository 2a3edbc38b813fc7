import { z } from 'zod'
import { defineCredentialType, secretField, secretObject } from './define-credential-type.ts'
import { hostName } from './field-schemas.ts'

/**
 * Parameters that only tune a connection, by dialect. The drivers know others that name another host, files to read on
 * the machine that connects, or code to run.
 */
const postgres = ['sslmode', 'application_name', 'connect_timeout', 'statement_timeout']
const mysql = ['sslmode', 'charset', 'connect_timeout']
const mssql = ['encrypt', 'trustServerCertificate', 'application_name', 'connect_timeout']
const oracle = ['protocol', 'connect_timeout']
const parametersOf: ReadonlyMap<string, readonly string[]> = new Map([
  ['postgres:', postgres],
  ['postgresql:', postgres],
  ['mysql:', mysql],
  ['mariadb:', mysql],
  ['mssql:', mssql],
  ['sqlserver:', mssql],
  ['oracle:', oracle],
])
/**
 * A file of the project's own directory on the machine that runs the step: neither a path, which would be any file there, nor
 * a journal of another one.
 */
const sqliteFile = /^sqlite:\/\/\/[A-Za-z0-9][\w.-]{0,99}\.(?:db|sqlite|sqlite3)$/
const schemes = [...parametersOf.keys(), 'sqlite:'].map((protocol) => `${protocol}//`).join(', ')

/** What is wrong with a DSN, in words that quote nothing of it; undefined where nothing is. */
function faultOf(dsn: string): string | undefined {
  if (/^(sqlite3?|file):/i.test(dsn))
    return sqliteFile.test(dsn)
      ? undefined
      : 'must name an SQLite file by its bare name, like sqlite:///name.db'
  if (!URL.canParse(dsn)) return 'must be a URL like postgres://user:password@host:5432/database'
  const url = new URL(dsn)
  const parameters = parametersOf.get(url.protocol)
  if (parameters === undefined) return `must begin with one of ${schemes}`
  if (url.hostname === '') return 'must name a host'
  // A driver takes an encoded path for a socket and a list for several hosts.
  if (!hostName.safeParse(url.hostname).success) return 'must name one host, by name or address'
  if (url.hash !== '') return 'must not have a fragment; is # in the password written as %23?'
  if (![...url.searchParams.keys()].every((name) => parameters.includes(name)))
    return `may have only these parameters: ${parameters.join(', ')}`
  return isDecodable(url) ? undefined : 'has a part that is not valid percent-encoding'
}

function isDecodable({ username, password, pathname }: URL): boolean {
  try {
    return [username, password, pathname].map(decodeURIComponent).every((part) => !part.includes('\0'))
  } catch {
    return false
  }
}

export const dbDsn = defineCredentialType({
  type: 'db_dsn',
  title: 'Database connection string',
  mainSecret: 'dsn',
  secret: secretObject({
    dsn: secretField.superRefine((dsn, context) => {
      const fault = faultOf(dsn)
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
    }),
  }),
  extra: z.strictObject({}),
  secretsToRedact({ dsn }) {
    const password = decodeURIComponent(new URL(dsn).password)
    return password === '' ? [] : [password]
  },
  check: { kind: 'sql' },
})
