import { callerLabel, projectOf } from '@opsconductor/auth'
import {
  admitCallEndpoint,
  ConnectorReference,
  GrantForWorker,
  grantCallEndpoint,
  grantKeysEndpoint,
  IdParams,
} from '@opsconductor/contracts'
import { internalRoute, openRoute, route, validate } from '@opsconductor/service-kit'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { admitCall } from './admit-call.ts'
import { grantCall } from './grant-call.ts'

const ReferenceParams = z.object({ reference: ConnectorReference })

const keysAnswer = async ({ grants }: Deps) => grantKeysEndpoint.answer.parse({ keys: await grants.keys() })

export const grantCallRoute = (deps: Deps) =>
  internalRoute(grantCallEndpoint, ({ caller, params, request }) =>
    grantCall(deps, caller, validate(ReferenceParams, params, 'params').reference, request),
  )

export const admitCallRoute = (deps: Deps) =>
  internalRoute(admitCallEndpoint, ({ params, request }) =>
    admitCall(deps, validate(IdParams, params, 'params').id, request),
  )

export const grantKeysRoute = (deps: Deps) => internalRoute(grantKeysEndpoint, () => keysAnswer(deps))

export const grantForWorkerRoute = (deps: Deps) =>
  route({
    method: 'post',
    path: '/api/project-connectors/{id}/grants',
    summary: 'A grant for one call by a worker of the project',
    action: 'project-connectors:call',
    params: IdParams,
    body: GrantForWorker,
    answers: { 200: grantCallEndpoint.answer },
    async handle({ caller, params, body }) {
      const request = {
        ...body,
        // Never the run of a job of ours: what a call causes happens once for each run.
        run_id: `worker:${body.run_id}`,
        project_id: projectOf(caller),
      }
      return { status: 200, body: await grantCall(deps, callerLabel(caller), params.id, request) }
    },
  })

export const publicGrantKeysRoute = (deps: Deps) =>
  openRoute({
    method: 'get',
    path: '/api/project-connectors/jwks.json',
    summary: 'The public keys that grants are verified with (RFC 7517), for workers that serve calls',
    action: null,
    answers: { 200: grantKeysEndpoint.answer },
    async handle() {
      return {
        status: 200,
        headers: { 'Cache-Control': 'public, max-age=60' },
        body: await keysAnswer(deps),
      }
    },
  })
