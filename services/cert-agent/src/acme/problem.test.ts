import { expect, test } from '@jest/globals'
import { problemError } from './problem.ts'

const problem = (type: string, ...parts: string[]) => ({
  type: `urn:ietf:params:acme:error:${type}`,
  detail: 'no',
  subproblems: parts.map((part) => ({ type: `urn:ietf:params:acme:error:${part}`, detail: part })),
})

test.each([
  ['rateLimited', [], 'too_many_requests'],
  ['dns', [], 'target_failed'],
  ['caa', [], 'target_refused'],
  ['constructor', [], 'target_refused'],
  ['compound', ['dns', 'connection'], 'target_failed'],
  ['compound', ['dns', 'caa'], 'target_refused'],
  ['compound', [], 'target_refused'],
])('the problem %s of %j is %s', (type, parts, code) => {
  expect(problemError(problem(type, ...parts), { status: 403 }).code).toBe(code)
})
