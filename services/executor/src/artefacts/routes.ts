import { projectOf } from '@opsconductor/auth'
import { Artefact, ArtefactParams, IdParams, PageQuery, pageOf } from '@opsconductor/contracts'
import { type AnyRoute, route, toPage } from '@opsconductor/service-kit'
import type { ExecutorDeps } from '../deps.ts'
import { findArtefact, listArtefacts } from './find-artefacts.ts'
import { downloadHeaders, toArtefactWire } from './wire.ts'

export const artefactRoutes = (deps: ExecutorDeps): AnyRoute[] => [
  route({
    method: 'get',
    path: '/api/runs/{id}/artefacts',
    summary: "A run's files, oldest first: what steps wrote, and results too large to be one.",
    action: 'runs.read',
    params: IdParams,
    query: PageQuery,
    answers: { 200: pageOf(Artefact) },
    handle: async ({ caller, params, query }) => {
      const rows = await listArtefacts(deps, projectOf(caller), params.id, query)
      return { status: 200, body: toPage(rows, query.limit, toArtefactWire) }
    },
  }),
  route({
    method: 'get',
    path: '/api/runs/{id}/artefacts/{artefactId}',
    summary: 'The content of one of them.',
    action: 'runs.read',
    params: ArtefactParams,
    answers: { 200: null },
    handle: async ({ caller, params }) => {
      const artefact = await findArtefact(deps, projectOf(caller), params)
      return {
        status: 200,
        headers: downloadHeaders(artefact),
        content: deps.artefacts.contentOf(artefact.id),
      }
    },
  }),
]
