import { expect, test } from '@jest/globals'
import { parseDsn } from './parse-dsn.ts'

test('a DSN is taken apart, with its percent-encoding undone', () => {
  expect(parseDsn('postgresql://us%40er:p%2Fw@[2001:db8::1]:5433/my%20db?sslmode=verify-full')).toEqual({
    dialect: 'postgres',
    host: '2001:db8::1',
    port: 5433,
    database: 'my db',
    user: 'us@er',
    password: 'p/w',
    tls: { verify: true },
  })
})

test('nothing but what is said of TLS is taken from its parameters', () => {
  expect(parseDsn('postgres://u:secret@db/x?host=127.0.0.1&port=1&user=root&options=-c%20a%3Db')).toEqual({
    dialect: 'postgres',
    host: 'db',
    port: 5432,
    database: 'x',
    user: 'u',
    password: 'secret',
    tls: undefined,
  })
})

test.each([
  ['mysql://u:p@h/d', { dialect: 'mysql', port: 3306, tls: undefined }],
  ['mariadb://u:p@h/d?sslmode=no-verify', { dialect: 'mysql', tls: { verify: false } }],
  ['mysql://u:p@h', { database: '' }],
  ['mssql://u:p@h/d', { dialect: 'mssql', port: 1433, tls: undefined }],
  ['sqlserver://u:p@h/d?encrypt=true', { dialect: 'mssql', tls: { verify: true } }],
  ['mssql://u:p@h/d?encrypt=strict&trustServerCertificate=true', { tls: { verify: false, strict: true } }],
  ['oracle://u:p@h/s', { dialect: 'oracle', port: 1521, database: 's', tls: undefined }],
  ['oracle://u:p@h:2484/s?protocol=tcps', { port: 2484, tls: { verify: true } }],
  ['sqlite:///a-b_1.db', { dialect: 'sqlite', host: '', database: 'a-b_1.db' }],
])('%s', (dsn, parts) => {
  expect(parseDsn(dsn)).toMatchObject(parts)
})

test.each([
  'nonsense-secret',
  'mongodb://u:secret@h/x',
  'postgres:///x?secret',
  'postgres://:secret@h/x',
  'postgres://u:secret@h/x?sslmode=prefer',
  'postgres://u:secret%zz@h/x',
  'mssql://u:secret@h/x?encrypt=maybe',
  'oracle://u:secret@h',
  'sqlite://u:secret@h/x.db',
  'sqlite:///../secret.db',
  'sqlite:///secret',
])('a DSN that cannot be used is refused without quoting it: %s', (dsn) => {
  const attempt = () => parseDsn(dsn)
  expect(attempt).toThrow(/^The credential's DSN /)
  expect(attempt).not.toThrow('secret')
})
