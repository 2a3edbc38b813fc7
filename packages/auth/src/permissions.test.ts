import { expect, test } from '@jest/globals'
import { type Role, roles } from '@opsconductor/contracts'
import { type Caller, callerLabel } from './caller.ts'
import { assertAllowed, fromRole, type Permissions, projectOf, scopeCovers } from './permissions.ts'

const table: Permissions = {
  read: { roles: fromRole('viewer'), scope: 'manage:jobs:read' },
  write: { roles: fromRole('operator'), scope: 'manage:jobs' },
  limit: { roles: fromRole('admin'), scope: null },
  self: { anyone: 'user' },
  people: { anyone: 'platform_admin' },
}
const person = (changes: Partial<Extract<Caller, { kind: 'user' }>> = {}): Caller => ({
  kind: 'user',
  userId: 'u',
  projectId: 'p',
  role: 'viewer',
  isPlatformAdmin: false,
  ...changes,
})
const key = (...scopes: string[]): Caller => ({
  kind: 'api_key',
  keyId: 'k',
  userId: 'u',
  projectId: 'p',
  publicInterfaceId: null,
  scopes,
})
const outcome = (action: string, caller: Caller): string => {
  try {
    assertAllowed(table, action, caller)
    return 'allowed'
  } catch (error) {
    return (error as { code?: string }).code ?? 'defect'
  }
}

test('a role includes every role below it and none above', () => {
  expect(roles.map((role) => fromRole(role).length)).toEqual([1, 2, 3, 4])
  const allowed = (action: string) =>
    roles.filter((role: Role) => outcome(action, person({ role })) === 'allowed')
  expect(allowed('read')).toEqual(['owner', 'admin', 'operator', 'viewer'])
  expect(allowed('write')).toEqual(['owner', 'admin', 'operator'])
})

test('an action without a scope is for people of its roles, and for no key', () => {
  expect(outcome('limit', person({ role: 'admin' }))).toBe('allowed')
  expect(outcome('limit', person({ role: 'operator' }))).toBe('forbidden')
  expect(outcome('limit', key('manage:*'))).toBe('forbidden')
})

test('a scope covers itself and its reads, manage:* covers all, and reading never covers writing', () => {
  const cases: [string[], string, boolean][] = [
    [['manage:jobs'], 'manage:jobs', true],
    [['manage:jobs'], 'manage:jobs:read', true],
    [['manage:jobs:read'], 'manage:jobs:read', true],
    [['manage:jobs:read'], 'manage:jobs', false],
    [['manage:*'], 'manage:jobs', true],
    [['manage:*'], 'manage:*', true],
    [['manage:jobs'], 'manage:*', false],
    [['manage:job'], 'manage:jobs', false],
    [['manage:jobs-x'], 'manage:jobs', false],
    [[], 'manage:jobs:read', false],
    [['manage:runs', 'manage:jobs'], 'manage:jobs:read', true],
  ]
  for (const [scopes, needed, covered] of cases)
    expect([scopes, needed, scopeCovers(scopes, needed)]).toEqual([scopes, needed, covered])
  expect(outcome('write', key('manage:jobs:read'))).toBe('forbidden')
  expect(outcome('read', key('manage:jobs'))).toBe('allowed')
})

test("a platform administrator has no rights in a project they don't belong to", () => {
  expect(outcome('read', person({ projectId: null, role: null, isPlatformAdmin: true }))).toBe(
    'invalid_request',
  )
  expect(outcome('write', person({ role: 'viewer', isPlatformAdmin: true }))).toBe('forbidden')
})

test('what is for people is closed to every key, and what is for administrators to every other person', () => {
  for (const action of ['self', 'people']) expect(outcome(action, key('manage:*'))).toBe('forbidden')
  expect(outcome('self', person({ projectId: null, role: null }))).toBe('allowed')
  expect(outcome('people', person({ role: 'owner' }))).toBe('forbidden')
  expect(outcome('people', person({ isPlatformAdmin: true }))).toBe('allowed')
})

test('an action that the table does not name is a defect that lets nobody in', () => {
  for (const action of ['unknown', 'toString', '__proto__', 'constructor'])
    expect(['defect', 'forbidden']).toContain(
      outcome(action, person({ role: 'owner', isPlatformAdmin: true })),
    )
})

test('the project of a caller who named none is asked for by its header', () => {
  expect(projectOf(key())).toBe('p')
  expect(() => projectOf(person({ projectId: null }))).toThrow(/X-Project-Id/)
})

test('the audit label says who it was', () => {
  expect([callerLabel(person()), callerLabel(key())]).toEqual(['user:u', 'api_key:k'])
})
