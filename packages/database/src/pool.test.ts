import { expect, test } from '@jest/globals'
import { AppError } from '@opsconductor/errors'
import { databaseUnavailable, isUniqueViolation } from './pool.ts'

const withCode = (code: string, cause?: unknown) => Object.assign(new Error('x', { cause }), { code })

test.each(['ECONNREFUSED', 'EAI_AGAIN', '57P01', '57P03', '08006', '53300', 'P1001', 'P2028'])(
  '%s means that the database is not there now',
  (code) => {
    expect(databaseUnavailable(withCode(code))).toMatchObject({
      code: 'service_unavailable',
      retryAfterSeconds: 2,
    })
    expect(databaseUnavailable(new Error('wrapped', { cause: withCode(code) }))?.code).toBe(
      'service_unavailable',
    )
  },
)

test.each([
  'Connection terminated due to connection timeout',
  'Client has encountered a connection error and is not queryable',
  'timeout exceeded when trying to connect',
  'Query read timeout',
])('what pg says without a code when a server hangs is an outage: %s', (message) => {
  expect(databaseUnavailable(new Error(message))?.code).toBe('service_unavailable')
})

test.each(['23505', '42P01', '22P02', 'ENOENT'])('%s is no outage', (code) => {
  expect(databaseUnavailable(withCode(code))).toBeUndefined()
})

test('an error that was judged already is not judged again by what caused it', () => {
  const error = new AppError('service_unavailable', 'The executor is away.', {
    cause: withCode('ECONNREFUSED'),
  })
  expect(databaseUnavailable(error)).toBeUndefined()
})

test('a unique violation is told apart by its constraint', () => {
  const error = Object.assign(new Error('x'), { code: '23505', constraint: 'jobs_name_key' })
  expect([
    isUniqueViolation(error),
    isUniqueViolation(error, 'jobs_name_key'),
    isUniqueViolation(error, 'other'),
  ]).toEqual([true, true, false])
  expect(isUniqueViolation(new Error('x'))).toBe(false)
})
