import { expect, test } from '@jest/globals'
import { refuseTaken } from './refuse-taken.ts'

const broken = (constraint: string) => Object.assign(new Error('x'), { code: '23505', constraint })
const thrownBy = (work: () => unknown): unknown => {
  try {
    return work()
  } catch (error) {
    return error
  }
}

test('what is taken is a conflict that names the field', () => {
  expect(thrownBy(() => refuseTaken('Taken.')(broken('jobs_name_key')))).toMatchObject({
    code: 'conflict',
    message: 'Taken.',
    errors: [{ path: 'body.name', message: 'is taken' }],
  })
})

test('every other error is thrown as it is', () => {
  const [other, otherConstraint] = [new Error('x'), broken('other')]
  expect(thrownBy(() => refuseTaken('Taken.')(other))).toBe(other)
  const refuse = refuseTaken('Taken.', { constraint: 'jobs_name_key' })
  expect(thrownBy(() => refuse(otherConstraint))).toBe(otherConstraint)
})
