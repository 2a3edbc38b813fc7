import { CreateUser, IdParams, PageQuery, pageOf, UpdateUser, User } from '@opsconductor/contracts'
import { type AnyRoute, route, toPage } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { createUser } from './create-user.ts'
import { getUser } from './get-user.ts'
import { updateUser } from './update-user.ts'
import { userToWire } from './user-wire.ts'

export const getSelfRoute = (deps: Deps): AnyRoute =>
  route({
    method: 'get',
    path: '/api/users/me',
    summary: 'Who you are.',
    action: 'self:read',
    answers: { 200: User },
    handle: async ({ caller }) => ({ status: 200, body: userToWire(await getUser(deps, caller.userId)) }),
  })

export const listUsersRoute = (deps: Deps): AnyRoute =>
  route({
    method: 'get',
    path: '/api/users',
    summary: 'All users.',
    action: 'users:manage',
    query: PageQuery,
    answers: { 200: pageOf(User) },
    handle: async ({ query }) => ({
      status: 200,
      body: toPage(await deps.users.list(query), query.limit, userToWire),
    }),
  })

export const createUserRoute = (deps: Deps): AnyRoute =>
  route({
    method: 'post',
    path: '/api/users',
    summary: 'Make a user.',
    action: 'users:manage',
    body: CreateUser,
    answers: { 201: User },
    async handle({ caller, body }) {
      const user = await createUser(deps, caller, body)
      return { status: 201, body: userToWire(user), headers: { Location: `/api/users/${user.id}` } }
    },
  })

export const getUserRoute = (deps: Deps): AnyRoute =>
  route({
    method: 'get',
    path: '/api/users/{id}',
    summary: 'One user.',
    action: 'users:manage',
    params: IdParams,
    answers: { 200: User },
    handle: async ({ params }) => ({ status: 200, body: userToWire(await getUser(deps, params.id)) }),
  })

export const updateUserRoute = (deps: Deps): AnyRoute =>
  route({
    method: 'patch',
    path: '/api/users/{id}',
    summary: 'Change a user: name, password, activity, administrator.',
    action: 'users:manage',
    params: IdParams,
    body: UpdateUser,
    answers: { 200: User },
    handle: async ({ caller, params, body }) => ({
      status: 200,
      body: userToWire(await updateUser(deps, caller, params.id, body)),
    }),
  })
