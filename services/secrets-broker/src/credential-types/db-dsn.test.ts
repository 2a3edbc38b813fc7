import { expect, test } from '@jest/globals'
import { dbDsn } from './db-dsn.ts'

const accepted = (dsn: string) => dbDsn.secret.safeParse({ dsn }).success

test.each([
  'postgres://reader:passw0rd@db.example:5432/app',
  'postgresql://reader@db.example/app',
  'postgres://reader:p%40ss%2Fw@[::1]:5432/app?sslmode=require&application_name=x&connect_timeout=5',
])('db_dsn takes %s', (dsn) => {
  expect(accepted(dsn)).toBe(true)
})

test.each([
  'db.example',
  'mysql://u:passw0rd@h/d',
  'file:///etc/passwd',
  'postgres:///app',
  'postgres://u:passw0rd@h/d#x',
  'postgres://u:%zzpassw0rd@h/d',
  'postgres://u:passw0rd@h/d?host=169.254.169.254',
  'postgres://u:passw0rd@h/d?sslrootcert=/etc/passwd',
  'postgres://u:passw0rd@h/d?sslmode=require&sslkey=/root/key',
  'postgres://u:passw0rd@h/d?password=other-one',
  'postgres://u:passw0rd@h/d?options=-c%20x',
])('db_dsn refuses %s', (dsn) => {
  expect(accepted(dsn)).toBe(false)
})

test('db_dsn redacts the whole DSN and the password in it, decoded', () => {
  const redacts = (dsn: string) => dbDsn.secretsToRedact({ dsn } as never)
  const dsn = 'postgres://u:p%40ss%2Fword@h/d'
  expect(redacts(dsn)).toEqual([dsn, 'p@ss/word'])
  expect(redacts('postgres://u@h/d')).toEqual(['postgres://u@h/d'])
})
