import type { Dialect } from '../dialect.ts'
import type { DialectName } from '../parse-dsn.ts'

/** Each comes with its driver, which takes up to 50 MB of memory: it is loaded for the first database of its kind. */
export const dialects: Readonly<Record<DialectName, () => Promise<Dialect>>> = {
  mssql: async () => (await import('./mssql.ts')).mssql,
  mysql: async () => (await import('./mysql.ts')).mysqlDialect,
  oracle: async () => (await import('./oracle.ts')).oracle,
  postgres: async () => (await import('./postgres.ts')).postgres,
  sqlite: async () => (await import('./sqlite.ts')).sqlite,
}
