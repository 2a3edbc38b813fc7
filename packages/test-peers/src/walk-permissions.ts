import { randomUUID } from 'node:crypto'
import { type Role, roles } from '@opsconductor/contracts'
import type { AnyRoute, PublicAppOptions } from '@opsconductor/service-kit'
import { request } from 'undici'
import type { ApiKeyPeer } from './api-key-peer.ts'

type Headers = Record<string, string>
type Permission = PublicAppOptions['permissions'][string]

/** Gives request headers for each kind of caller of one project. */
export interface PermissionActors {
  member(role: Role): Promise<Headers>
  /** A platform administrator who belongs to no project. */
  platformAdmin(): Promise<Headers>
  /** A person who belongs to no project. */
  stranger(): Promise<Headers>
  /** A key of the project with exactly these scopes. */
  key(scopes: readonly string[]): Promise<Headers>
}

export interface WalkOptions {
  routes: readonly AnyRoute[]
  permissions: PublicAppOptions['permissions']
  /** Base URL of the running public listener. */
  url: string
  actors: PermissionActors
  /** A real id for a path parameter where a random one would hide the refusal behind a 404. */
  pathParameter?: (route: AnyRoute, name: string) => string | undefined
}

export interface PermissionWalk {
  /** One line for each answer that is not what the table says; what a test expects to be empty. */
  mismatches: string[]
  /** How many requests were made. */
  checked: number
  /** `METHOD path` of each route that needs no caller; a test pins this list. */
  open: string[]
}

/**
 * Calls every route as every kind of caller and compares the answer with the permission table. Path parameters are
 * ids of nothing and bodies are `{}`, so that an allowed call does no harm: it is allowed where it is refused for any
 * other reason than who calls.
 */
export async function walkPermissions(options: WalkOptions): Promise<PermissionWalk> {
  const walk: PermissionWalk = { mismatches: [], checked: 0, open: [] }
  const people = await makePeople(options.actors)
  const keys = new Map<string, Promise<Headers>>()
  const keyWith = (...scopes: string[]) => {
    const name = scopes.join(' ')
    if (!keys.has(name)) keys.set(name, options.actors.key(scopes))
    return keys.get(name) as Promise<Headers>
  }
  for (const route of options.routes) {
    const name = `${route.method.toUpperCase()} ${route.path}`
    if (route.action === null) {
      walk.open.push(name)
      continue
    }
    const permission = options.permissions[route.action]
    if (permission === undefined) {
      walk.mismatches.push(`${name}: the table has no action ${route.action}`)
      continue
    }
    const callers: { who: string; headers: Headers; expected: Outcome }[] = [
      { who: 'nobody', headers: {}, expected: 'unauthenticated' },
      ...people.map(({ who, headers }) => ({ who, headers, expected: expectedOfPerson(permission, who) })),
    ]
    for (const { scopes, covers } of scopesToTry(permission))
      callers.push({
        who: `key [${scopes.join(' ')}]`,
        headers: await keyWith(...scopes),
        expected: covers ? 'allowed' : 'refused',
      })
    for (const { who, headers, expected } of callers) {
      walk.checked++
      const { outcome, detail } = await ask(options, route, headers)
      if (outcome !== expected)
        walk.mismatches.push(`${name} as ${who}: expected ${expected}, was ${outcome} (${detail})`)
    }
  }
  return walk
}

type Outcome = 'allowed' | 'refused' | 'unauthenticated' | 'failed'

async function makePeople(actors: PermissionActors) {
  const people: { who: Role | 'platform_admin' | 'stranger'; headers: Headers }[] = []
  for (const role of roles) people.push({ who: role, headers: await actors.member(role) })
  people.push({ who: 'platform_admin', headers: await actors.platformAdmin() })
  people.push({ who: 'stranger', headers: await actors.stranger() })
  return people
}

function expectedOfPerson(permission: Permission, who: Role | 'platform_admin' | 'stranger'): Outcome {
  if ('anyone' in permission)
    return permission.anyone === 'user' || who === 'platform_admin' ? 'allowed' : 'refused'
  return permission.roles.some((role) => role === who) ? 'allowed' : 'refused'
}

/** Key scopes around the one that the action needs, each with whether it must do. */
function scopesToTry(permission: Permission): { scopes: string[]; covers: boolean }[] {
  if ('anyone' in permission || permission.scope === null)
    return [
      { scopes: [], covers: false },
      { scopes: ['manage:*'], covers: false },
    ]
  const noun = permission.scope.replace(/:read$/, '')
  const reads = permission.scope.endsWith(':read')
  return [
    { scopes: [], covers: false },
    { scopes: ['manage:something-else'], covers: false },
    { scopes: ['manage:something-else', `${noun}:read`], covers: reads },
    { scopes: [noun], covers: true },
    { scopes: ['manage:*'], covers: true },
  ]
}

async function ask(
  { url, pathParameter }: WalkOptions,
  route: AnyRoute,
  headers: Headers,
): Promise<{ outcome: Outcome; detail: string }> {
  const path = route.path.replaceAll(
    /\{(\w+)\}/g,
    (_, name: string) => pathParameter?.(route, name) ?? randomUUID(),
  )
  const hasBody = route.method !== 'get' && route.method !== 'delete'
  const answer = await request(new URL(path, url), {
    method: route.method.toUpperCase() as 'GET',
    headers: { ...headers, ...(hasBody ? { 'content-type': 'application/json' } : {}) },
    body: hasBody ? '{}' : null,
  })
  const { statusCode: status } = answer
  if (!String(answer.headers['content-type']).startsWith('application/problem+json')) {
    // An answer may be a stream without an end; the status says what is asked here.
    answer.body.on('error', () => {}).destroy()
    return { outcome: status < 400 ? 'allowed' : 'failed', detail: String(status) }
  }
  const problem = (await answer.body.json()) as Problem
  const detail = `${status} ${problem.code}`
  if (status >= 500) return { outcome: 'failed', detail }
  if (status === 401) return { outcome: 'unauthenticated', detail }
  return { outcome: isRefusal(problem) ? 'refused' : 'allowed', detail }
}

interface Problem {
  code: string
  detail: string
  errors?: { path: string }[]
}

/** The three ways to refuse who calls: not allowed, no project named, and none of that name as far as they may know. */
function isRefusal({ code, detail, errors }: Problem): boolean {
  if (code === 'forbidden') return true
  if (code === 'invalid_request') return errors?.[0]?.path === 'header.X-Project-Id'
  return code === 'not_found' && detail === 'There is no such project.'
}

/** The actors of a service under test whose API_KEY_URL is the peer. */
export function peerActors(peer: ApiKeyPeer, projectId: string): PermissionActors {
  const bearer = ({ token }: { token: string }) => ({ authorization: `Bearer ${token}` })
  return {
    member: async (role) => bearer(await peer.createUser({ role, projectId })),
    platformAdmin: async () => bearer(await peer.createUser({ isPlatformAdmin: true })),
    stranger: async () => bearer(await peer.createUser()),
    key: async (scopes) => ({ 'x-api-key': peer.createKey({ projectId, scopes }) }),
  }
}
