import { expect, test } from '@jest/globals'
import type { Memberships, VerifiedApiKey } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { createAuthenticator } from './authenticator.ts'

const verified: VerifiedApiKey = {
  valid: true,
  key_id: 'k1',
  user_id: 'u1',
  project_id: 'p1',
  public_interface_id: 'i1',
  scopes: ['manage:jobs'],
  expires_at: null,
}
const memberOf = (...projects: string[]): Memberships => ({
  is_platform_admin: false,
  items: projects.map((project_id) => ({ project_id, role: 'operator' })),
})

function authenticatorFor(memberships: Memberships) {
  const sessions: string[] = []
  const keys: (string | undefined)[] = []
  const authenticate = createAuthenticator({
    keys: {
      async verify(key) {
        keys.push(key)
        return verified
      },
    },
    async verifySession(token) {
      sessions.push(token)
      if (token !== 'good') throw new AppError('invalid_session', 'no')
      return 'u1'
    },
    memberships: async () => memberships,
  })
  const ask = (headers: { authorization?: string; apiKey?: string; projectId?: string }) =>
    authenticate({ authorization: undefined, apiKey: undefined, projectId: undefined, ...headers })
  return { ask, sessions, keys }
}

test('a person of one project acts in it without naming it; of several or none, in none until it is named', async () => {
  const bearer = { authorization: 'Bearer good' }
  const projectOf = async (memberships: Memberships, projectId?: string) => {
    const caller = await authenticatorFor(memberships).ask({
      ...bearer,
      ...(projectId === undefined ? {} : { projectId }),
    })
    return [caller.projectId, caller.kind === 'user' ? caller.role : undefined]
  }
  expect(await projectOf(memberOf('p1'))).toEqual(['p1', 'operator'])
  expect(await projectOf(memberOf())).toEqual([null, null])
  expect(await projectOf(memberOf('p1', 'p2'))).toEqual([null, null])
  expect(await projectOf(memberOf('p1', 'p2'), 'p2')).toEqual(['p2', 'operator'])
  for (const foreign of ['p3', '', '__proto__'])
    await expect(projectOf(memberOf('p1', 'p2'), foreign)).rejects.toMatchObject({ code: 'not_found' })
})

test('an administrator of the platform is said to be one, without a role anywhere', async () => {
  const { ask } = authenticatorFor({ is_platform_admin: true, items: [] })
  expect(await ask({ authorization: 'bearer  good' })).toEqual({
    kind: 'user',
    userId: 'u1',
    projectId: null,
    role: null,
    isPlatformAdmin: true,
  })
})

test('a key acts in its own project with its own scopes, and for any other project there is none', async () => {
  const { ask } = authenticatorFor(memberOf())
  const caller = {
    kind: 'api_key',
    keyId: 'k1',
    userId: 'u1',
    projectId: 'p1',
    publicInterfaceId: 'i1',
    scopes: ['manage:jobs'],
  }
  expect(await ask({ apiKey: 'key' })).toEqual(caller)
  expect(await ask({ apiKey: 'key', projectId: 'p1' })).toEqual(caller)
  await expect(ask({ apiKey: 'key', projectId: 'p2' })).rejects.toMatchObject({ code: 'not_found' })
})

test('nothing, or an Authorization that is no Bearer token, is 401', async () => {
  const { ask, sessions } = authenticatorFor(memberOf('p1'))
  await expect(ask({})).rejects.toMatchObject({ code: 'missing_credentials', status: 401 })
  for (const authorization of [
    '',
    'Bearer',
    'Bearer ',
    'Basic eDp5',
    'good',
    'Bearer a b',
    'Bearer good, Bearer x',
  ])
    await expect(ask({ authorization })).rejects.toMatchObject({ code: 'invalid_session', status: 401 })
  expect(sessions).toEqual([])
})

test('a bad session is not made good by a key sent beside it', async () => {
  const { ask, keys } = authenticatorFor(memberOf('p1'))
  await expect(ask({ authorization: 'Bearer bad', apiKey: 'key' })).rejects.toMatchObject({
    code: 'invalid_session',
  })
  expect(keys).toEqual([])
})
