import { expect, test } from '@jest/globals'
import { parseDsn } from './parse-dsn.ts'

test('a DSN is taken apart, with its percent-encoding undone', () => {
  expect(parseDsn('postgresql://us%40er:p%2Fw@[2001:db8::1]:5433/my%20db?sslmode=verify-full')).toEqual({
    host: '2001:db8::1',
    port: 5433,
    database: 'my db',
    user: 'us@er',
    password: 'p/w',
    tls: { verify: true },
  })
})

test('nothing but sslmode is taken from its parameters', () => {
  expect(parseDsn('postgres://u:secret@db/x?host=127.0.0.1&port=1&user=root&options=-c%20a%3Db')).toEqual({
    host: 'db',
    port: 5432,
    database: 'x',
    user: 'u',
    password: 'secret',
    tls: undefined,
  })
})

test.each([
  'nonsense-secret',
  'mysql://u:secret@h/x',
  'postgres:///x?secret',
  'postgres://:secret@h/x',
  'postgres://u:secret@h/x?sslmode=prefer',
  'postgres://u:secret%zz@h/x',
])('a DSN that cannot be used is refused without quoting it: %s', (dsn) => {
  const attempt = () => parseDsn(dsn)
  expect(attempt).toThrow(/^The credential's DSN /)
  expect(attempt).not.toThrow('secret')
})
