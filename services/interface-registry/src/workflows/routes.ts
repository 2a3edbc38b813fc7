import { CreateWorkflow, IdParams, PageQuery, pageOf, Workflow } from '@opsconductor/contracts'
import { route } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { createWorkflow } from './create-workflow.ts'
import { deleteWorkflow } from './delete-workflow.ts'
import { findWorkflow } from './find-workflow.ts'
import { listWorkflows } from './list-workflows.ts'
import { workflowToWire } from './workflow-to-wire.ts'

export const createWorkflowRoute = (deps: Deps) =>
  route({
    method: 'post',
    path: '/api/workflows',
    summary: 'Expose a job, or a long-lived workflow of the project',
    action: 'interfaces:write',
    body: CreateWorkflow,
    answers: { 201: Workflow },
    async handle({ caller, body }) {
      const workflow = await createWorkflow(deps, caller, body)
      return {
        status: 201,
        headers: { Location: `/api/workflows/${workflow.id}` },
        body: workflowToWire(workflow),
      }
    },
  })

export const listWorkflowsRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/workflows',
    summary: 'The workflows that the project exposes, newest first',
    action: 'interfaces:read',
    query: PageQuery,
    answers: { 200: pageOf(Workflow) },
    async handle({ caller, query }) {
      return { status: 200, body: await listWorkflows(deps, caller, query) }
    },
  })

export const getWorkflowRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/workflows/{id}',
    summary: 'One workflow',
    action: 'interfaces:read',
    params: IdParams,
    answers: { 200: Workflow },
    async handle({ caller, params }) {
      return { status: 200, body: workflowToWire(await findWorkflow(deps, caller, params.id)) }
    },
  })

export const deleteWorkflowRoute = (deps: Deps) =>
  route({
    method: 'delete',
    path: '/api/workflows/{id}',
    summary: 'Stop exposing a workflow, with all its interfaces',
    action: 'interfaces:write',
    params: IdParams,
    answers: { 204: null },
    async handle({ caller, params }) {
      await deleteWorkflow(deps, caller, params.id)
      return { status: 204 }
    },
  })
