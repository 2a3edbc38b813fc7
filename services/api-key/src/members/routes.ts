import {
  findCommonMemberEndpoint,
  Id,
  IdParams,
  listMembershipsEndpoint,
  Member,
  PageQuery,
  PutMember,
  pageOf,
} from '@opsconductor/contracts'
import {
  type AnyInternalRoute,
  type AnyRoute,
  internalRoute,
  route,
  toPage,
  validate,
} from '@opsconductor/service-kit'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { listMembers } from './list-members.ts'
import { listMemberships } from './list-memberships.ts'
import { memberToWire } from './member-wire.ts'
import { putMember } from './put-member.ts'
import { removeMember } from './remove-member.ts'

const MemberParams = z.object({ id: Id, user_id: Id })

export const listMembersRoute = (deps: Deps): AnyRoute =>
  route({
    method: 'get',
    path: '/api/projects/{id}/members',
    summary: 'The members of a project.',
    action: 'members:read',
    params: IdParams,
    query: PageQuery,
    answers: { 200: pageOf(Member) },
    async handle({ caller, params, query }) {
      const rows = await listMembers(deps, caller, { projectId: params.id, page: query })
      const paged = rows.map((member) => ({ id: member.userId, member }))
      return { status: 200, body: toPage(paged, query.limit, ({ member }) => memberToWire(member)) }
    },
  })

export const putMemberRoute = (deps: Deps): AnyRoute =>
  route({
    method: 'put',
    path: '/api/projects/{id}/members/{user_id}',
    summary: 'Make a user a member, or change the role.',
    action: 'members:write',
    params: MemberParams,
    body: PutMember,
    answers: { 200: Member, 201: Member },
    async handle({ caller, params, body }) {
      const { member, created } = await putMember(deps, caller, {
        projectId: params.id,
        userId: params.user_id,
        role: body.role,
      })
      return {
        status: created ? 201 : 200,
        body: memberToWire(member),
        headers: { Location: `/api/projects/${member.projectId}/members/${member.userId}` },
      }
    },
  })

export const removeMemberRoute = (deps: Deps): AnyRoute =>
  route({
    method: 'delete',
    path: '/api/projects/{id}/members/{user_id}',
    summary: 'End a membership, and the API keys that the member made in the project.',
    action: 'members:write',
    params: MemberParams,
    answers: { 204: null },
    async handle({ caller, params }) {
      await removeMember(deps, caller, { projectId: params.id, userId: params.user_id })
      return { status: 204 }
    },
  })

export const membershipsRoute = (deps: Deps): AnyInternalRoute =>
  internalRoute(listMembershipsEndpoint, ({ request }) => listMemberships(deps, request.user_id))

export const commonMemberRoute = (deps: Deps): AnyInternalRoute =>
  internalRoute(findCommonMemberEndpoint, async ({ params, request }) => {
    const { id } = validate(IdParams, params, 'params')
    return { found: await deps.members.hasCommonMember(id, request.other_project_id) }
  })
