import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { walkPermissions } from '@opsconductor/test-peers'
import { publicRoutes } from '../src/app.ts'
import { createKey } from '../src/keys/create-key.ts'
import { permissions } from '../src/permissions.ts'
import { type RunningApiKey, startApiKey } from './running-api-key.ts'

let service: RunningApiKey
beforeAll(async () => {
  service = await startApiKey()
})
afterAll(() => service.close())

test('every public route lets in exactly the roles and key scopes that the permission table names', async () => {
  const { deps } = service
  const maker = await service.person()
  const projectId = await service.project({ [maker.id]: 'owner' })
  let count = 0
  const walk = await walkPermissions({
    routes: publicRoutes(deps),
    permissions,
    url: service.publicUrl,
    pathParameter: (route, name) =>
      route.path.startsWith('/api/projects/') && name === 'id' ? projectId : undefined,
    actors: {
      async member(role) {
        const person = await service.person()
        await service.owner.query('INSERT INTO api_key.project_members VALUES ($1, $2, $3)', [
          projectId,
          person.id,
          role,
        ])
        return person.headers
      },
      platformAdmin: async () => (await service.person({ isPlatformAdmin: true })).headers,
      stranger: async () => (await service.person()).headers,
      async key(scopes) {
        const caller = {
          kind: 'user' as const,
          userId: maker.id,
          projectId,
          role: 'owner' as const,
          isPlatformAdmin: false,
        }
        const { key } = await createKey(deps, caller, {
          name: `key ${++count}`,
          scopes: [...scopes],
          public_interface_id: null,
          expires_at: null,
        })
        return { 'x-api-key': key }
      },
    },
  })
  expect(walk.mismatches).toEqual([])
  expect(walk.open).toEqual(['POST /api/session', 'POST /api/session/refresh', 'DELETE /api/session'])
  expect(walk.checked).toBeGreaterThan(150)
})

test('the permission table is the one that was decided', () => {
  const all = ['owner', 'admin', 'operator', 'viewer']
  expect(permissions).toEqual({
    'self:read': { anyone: 'user' },
    'users:manage': { anyone: 'platform_admin' },
    'projects:list': { anyone: 'user' },
    'projects:create': { anyone: 'user' },
    'projects:read': { roles: all, scope: 'manage:projects:read' },
    'projects:delete': { roles: ['owner'], scope: 'manage:projects' },
    'members:read': { roles: ['owner', 'admin'], scope: 'manage:members:read' },
    'members:write': { roles: ['owner', 'admin'], scope: 'manage:members' },
    'keys:read': { roles: all, scope: 'manage:keys:read' },
    'keys:write': { roles: ['owner', 'admin', 'operator'], scope: 'manage:keys' },
  })
})
