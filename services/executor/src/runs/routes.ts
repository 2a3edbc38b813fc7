import { projectOf } from '@opsconductor/auth'
import { getPinnedRunEndpoint, IdParams, ListRuns, pageOf, Run, RunWithSteps } from '@opsconductor/contracts'
import {
  type AnyInternalRoute,
  type AnyRoute,
  internalRoute,
  route,
  toPage,
  validate,
} from '@opsconductor/service-kit'
import type { ExecutorDeps } from '../deps.ts'
import { cancelRun } from './cancel-run.ts'
import { getRun } from './get-run.ts'
import { getPinnedRun } from './pinned-run.ts'
import { toRunWire, toStepWire } from './wire.ts'

export const runRoutes = (deps: ExecutorDeps): AnyRoute[] => [
  route({
    method: 'get',
    path: '/api/runs',
    summary: "The project's runs, newest first.",
    action: 'runs.read',
    query: ListRuns,
    answers: { 200: pageOf(Run) },
    handle: async ({ caller, query }) => {
      const rows = await deps.runs.list(projectOf(caller), query)
      return { status: 200, body: toPage(rows, query.limit, toRunWire) }
    },
  }),
  route({
    method: 'get',
    path: '/api/runs/{id}',
    summary: 'One run with every attempt of its steps.',
    action: 'runs.read',
    params: IdParams,
    answers: { 200: RunWithSteps },
    handle: async ({ caller, params }) => {
      const { run, steps } = await getRun(deps, projectOf(caller), params.id)
      return { status: 200, body: { ...toRunWire(run), steps: steps.map(toStepWire) } }
    },
  }),
  route({
    method: 'post',
    path: '/api/runs/{id}/cancel',
    summary: 'Stop a run and the step that is running.',
    action: 'runs.write',
    params: IdParams,
    answers: { 202: Run },
    handle: async ({ caller, params }) => ({
      status: 202,
      headers: { Location: `/api/runs/${params.id}` },
      body: toRunWire(await cancelRun(deps, caller, params.id)),
    }),
  }),
]

export const runInternalRoutes = (deps: ExecutorDeps): AnyInternalRoute[] => [
  internalRoute(getPinnedRunEndpoint, ({ params }) =>
    getPinnedRun(deps, validate(IdParams, params, 'params').id),
  ),
]
