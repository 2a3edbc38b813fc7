import {
  createTestDatabase,
  mariadbIsMissing,
  startMariaDb,
  startTdsServer,
  tdsLogin,
} from '@opsconductor/test-peers'
import type { ExampleStep, Family, Target } from './family.ts'

const tables = [
  'CREATE TABLE customers (id int PRIMARY KEY, name varchar(50), email varchar(50), is_active int)',
  "INSERT INTO customers VALUES (1, 'Ada', 'ada@example.com', 1)",
  'CREATE TABLE orders (id int PRIMARY KEY, status varchar(50))',
  "INSERT INTO orders VALUES (1, 'open'), (2, 'closed')",
  'CREATE TABLE accounts (id int PRIMARY KEY, amount int)',
  'INSERT INTO accounts VALUES (1, 50), (2, 50)',
]

/** What of an example only some databases understand: `true`, `$1`, `RETURNING`. */
const isForPostgres = ({ input }: ExampleStep) =>
  /\$\d|RETURNING|= (?:true|false)/.test(JSON.stringify(input.sql ?? ''))

const targetOf = (name: string, dsn: string, isPostgres = false): Target => ({
  name,
  auths: [{ name: '`db_dsn`', credential: { type: 'db_dsn', secret: { dsn } } }],
  prepare: tables.map((sql, index) => ({
    id: `table_${index}`,
    type: 'sql.execute',
    input: {
      sql: isPostgres
        ? sql.replace('is_active int', 'is_active boolean').replace("com', 1)", "com', true)")
        : sql,
    },
  })),
  place: (step) => (isPostgres || !isForPostgres(step) ? step : undefined),
})

/** What only reads, since the database serves the examples without a bastion at the same time. */
const behindBastion = ({ name, auths, place }: Target): Target => ({
  name: `${name} behind a bastion`,
  auths,
  place(step, auth) {
    const placed = step.type === 'sql.query' ? place(step, auth) : undefined
    return placed && { ...placed, via: ['bastion'] }
  },
})

const why = 'no engine to be had here; `docker compose --profile oracle`'

/** SQL steps, on real databases with the tables that the examples name. */
export const sqlFamily: Family = {
  plays: (type) => type.startsWith('sql.'),
  notHere: ['sql.execute', 'sql.query', 'sql.script'].map((type) => ({
    ...{ type, auth: '`db_dsn`', target: 'Oracle', why },
  })),
  async start() {
    const [postgres, mariadb, tds] = await Promise.all([
      createTestDatabase(),
      mariadbIsMissing() ? undefined : startMariaDb(),
      startTdsServer(),
    ])
    return {
      targets: [
        targetOf('PostgreSQL', postgres.ownerUrl, true),
        ...(mariadb === undefined ? [] : [targetOf('MariaDB', mariadb.urlOf('test'))]),
        behindBastion(targetOf('PostgreSQL', postgres.ownerUrl, true)),
        ...(mariadb === undefined ? [] : [behindBastion(targetOf('MariaDB', mariadb.urlOf('test')))]),
        targetOf('SQLite', 'sqlite:///contract.db'),
        targetOf(
          'TDS 7.4 server over SQLite, as SQL Server',
          `mssql://${tdsLogin.user}:${tdsLogin.password}@127.0.0.1:${tds.port}/master`,
        ),
      ],
      ports: [
        ...[Number(new URL(postgres.ownerUrl).port), tds.port],
        ...(mariadb === undefined ? [] : [mariadb.port]),
      ],
      input: { email: 'ada@example.com' },
      isPartial: mariadb === undefined,
      async stop() {
        await Promise.all([postgres.drop(), mariadb?.close(), tds.close()])
      },
    }
  },
}
