import { CreateProject, DeleteProject, IdParams, PageQuery, Project, pageOf } from '@opsconductor/contracts'
import { type AnyRoute, route, toPage } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { createProject } from './create-project.ts'
import { deleteProject } from './delete-project.ts'
import { getProject } from './get-project.ts'
import { projectToWire } from './project-wire.ts'

export const listProjectsRoute = (deps: Deps): AnyRoute =>
  route({
    method: 'get',
    path: '/api/projects',
    summary: 'The projects you are a member of.',
    action: 'projects:list',
    query: PageQuery,
    answers: { 200: pageOf(Project) },
    handle: async ({ caller, query }) => ({
      status: 200,
      body: toPage(await deps.projects.listOf(caller.userId, query), query.limit, projectToWire),
    }),
  })

export const createProjectRoute = (deps: Deps): AnyRoute =>
  route({
    method: 'post',
    path: '/api/projects',
    summary: 'Make a project; you become its owner.',
    action: 'projects:create',
    body: CreateProject,
    answers: { 201: Project },
    async handle({ caller, body }) {
      const project = await createProject(deps, caller, body)
      return {
        status: 201,
        body: projectToWire(project),
        headers: { Location: `/api/projects/${project.id}` },
      }
    },
  })

export const getProjectRoute = (deps: Deps): AnyRoute =>
  route({
    method: 'get',
    path: '/api/projects/{id}',
    summary: 'One project.',
    action: 'projects:read',
    params: IdParams,
    answers: { 200: Project },
    handle: async ({ caller, params }) => ({
      status: 200,
      body: projectToWire(await getProject(deps, caller, params.id)),
    }),
  })

export const deleteProjectRoute = (deps: Deps): AnyRoute =>
  route({
    method: 'delete',
    path: '/api/projects/{id}',
    summary: 'Delete a project; what runs there is cancelled. Only the record of its jobs and runs is kept.',
    action: 'projects:delete',
    params: IdParams,
    query: DeleteProject,
    answers: { 204: null },
    async handle({ caller, params, query }) {
      await deleteProject(deps, caller, { id: params.id, confirm: query.confirm })
      return { status: 204 }
    },
  })
