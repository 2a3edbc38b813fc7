import { expect, test } from '@jest/globals'
import { lendable } from './lend.ts'
import { faultsOf } from './try-credential.fixture.ts'

const long = `oracle://u:passw0rd@h/${'x'.repeat(999_000)}`

test.each([
  'postgres://reader:passw0rd@db.example:5432/app',
  'postgresql://reader@db.example/app',
  'postgres://reader:p%40ss%2Fw@[::1]:5432/app?sslmode=require&application_name=x&connect_timeout=5',
  'mysql://reader:passw0rd@db.example:3306/app?charset=utf8mb4',
  'mariadb://reader:passw0rd@10.0.0.5/app?sslmode=require',
  'mssql://reader:passw0rd@db.example:1433/app?encrypt=true&trustServerCertificate=false',
  'sqlserver://reader:passw0rd@db.example/app?application_name=x',
  'oracle://reader:passw0rd@db.example:1521/service?protocol=tcps',
  'mssql://reader:passw0rd@db.example/app?encrypt=strict',
  'sqlite:///app.db',
  'sqlite:///app-2.v1.sqlite3',
  long,
])('001.07d db_dsn takes %.80s', async (dsn) => {
  expect(await faultsOf('db_dsn', { dsn })).toEqual([])
})

test.each([
  'db.example',
  'http://u:passw0rd@h/d',
  'postgres:///app',
  'postgres://u:passw0rd@h/d#x',
  'postgres://u:%zzpassw0rd@h/d',
  'postgres://u%00:passw0rd@h/d',
  'postgres://u:passw0rd@%2Fvar%2Frun/d',
  'postgres://u:passw0rd@a,b/d',
  'postgres://u:passw0rd@h/d?host=169.254.169.254',
  'postgres://u:passw0rd@h/d?sslrootcert=/etc/passwd',
  'postgres://u:passw0rd@h/d?sslmode=require&sslkey=/root/key',
  'postgres://u:passw0rd@h/d?password=other-one',
  'postgres://u:passw0rd@h/d?options=-c%20x',
  'mysql://u:passw0rd@h/d?socketPath=/run/mysqld.sock',
  'mysql://u:passw0rd@h/d?multipleStatements=true',
  'mysql://u:passw0rd@h/d?flags=LOCAL_FILES',
  'mssql://u:passw0rd@h/d?server=169.254.169.254',
  'sqlserver://u:passw0rd@h/d?instanceName=other',
  'oracle://u:passw0rd@h/s?wallet_location=/root',
  'oracle://u:passw0rd@h/s?sslmode=require',
])('db_dsn refuses %s, quoting nothing of it', async (dsn) => {
  const faults = await faultsOf('db_dsn', { dsn })
  expect(faults.map(([path]) => path)).toEqual(['body.secret.dsn'])
  expect(JSON.stringify(faults)).not.toContain('passw0rd')
})

test.each([
  ...[
    'sqlite:///var/app.db',
    'file:///etc/passwd',
    'sqlite3:app.db',
    'sqlite:///../app.db',
    'sqlite:///%2e%2e/app.db',
  ],
  ...[
    'sqlite:///app.db-journal',
    'sqlite:///app',
    'sqlite:///.db',
    'sqlite://host/app.db',
    'sqlite:///app.db?mode=ro',
  ],
])('db_dsn takes no SQLite file but one by its bare name: %s', async (dsn) => {
  expect(await faultsOf('db_dsn', { dsn })).toEqual([['body.secret.dsn', expect.stringContaining('SQLite')]])
})

test('db_dsn has the whole DSN redacted and the password in it, decoded; it is not applied to requests', () => {
  const dsn = 'mysql://u:p%40ss%2Fword@h/d'
  expect(lendable('db_dsn', { dsn }, {})).toEqual({ redact: [dsn, 'p@ss/word'], http: null })
  expect(lendable('db_dsn', { dsn: 'postgres://u@h/d' }, {}).redact).toEqual(['postgres://u@h/d'])
})

test('a DSN whose password is too short to be removed from answers is refused', async () => {
  expect(await faultsOf('db_dsn', 'postgres://u:abc@h/d')).toEqual([
    ['body.secret', expect.stringContaining('at least 4 characters')],
  ])
})
