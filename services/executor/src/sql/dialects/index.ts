import type { Dialect } from '../dialect.ts'
import type { DialectName } from '../parse-dsn.ts'
import { mssql } from './mssql.ts'
import { mysqlDialect } from './mysql.ts'
import { oracle } from './oracle.ts'
import { postgres } from './postgres.ts'
import { sqlite } from './sqlite.ts'

export const dialects: Readonly<Record<DialectName, Dialect>> = {
  mssql,
  mysql: mysqlDialect,
  oracle,
  postgres,
  sqlite,
}
