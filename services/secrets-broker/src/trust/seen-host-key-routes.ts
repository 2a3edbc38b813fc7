import { projectOf } from '@opsconductor/auth'
import {
  ApproveHostKey,
  IdParams,
  ListTrustedHostKeys,
  pageOf,
  reportHostKeyEndpoint,
  SeenHostKey,
  TrustedHostKey,
} from '@opsconductor/contracts'
import { internalRoute, route, toPage } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { projectActor } from '../project-actor.ts'
import { approveHostKey } from './approve-host-key.ts'
import { dismissHostKey } from './dismiss-host-key.ts'
import { listSeenHostKeys } from './find-host-keys.ts'
import { reportHostKey } from './report-host-key.ts'
import { hostKeyToWire, seenHostKeyToWire } from './trust-to-wire.ts'

const path = '/api/trust/host-keys'

export const listSeenHostKeysRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: `${path}/pending`,
    summary: 'Keys that SSH hosts have shown and that nobody has trusted yet, newest first',
    action: 'trust:read',
    query: ListTrustedHostKeys,
    answers: { 200: pageOf(SeenHostKey) },
    async handle({ caller, query }) {
      const rows = await listSeenHostKeys(deps, projectOf(caller), query)
      return { status: 200, body: toPage(rows, query.limit, seenHostKeyToWire) }
    },
  })

export const approveHostKeyRoute = (deps: Deps) =>
  route({
    method: 'post',
    path: `${path}/{id}/approve`,
    summary: 'Trust a pending key, whose fingerprint was compared on the host itself',
    action: 'trust:write',
    params: IdParams,
    body: ApproveHostKey,
    answers: { 200: TrustedHostKey },
    async handle({ caller, clientAddress, params, body }) {
      const record = await approveHostKey(deps, projectActor(caller, clientAddress), params.id, body)
      return { status: 200, body: hostKeyToWire(record) }
    },
  })

export const dismissHostKeyRoute = (deps: Deps) =>
  route({
    method: 'delete',
    path: `${path}/pending/{id}`,
    summary: 'Forget a pending key',
    action: 'trust:write',
    params: IdParams,
    answers: { 204: null },
    async handle({ caller, clientAddress, params }) {
      await dismissHostKey(deps, projectActor(caller, clientAddress), params.id)
      return { status: 204 }
    },
  })

export const reportHostKeyRoute = (deps: Deps) =>
  internalRoute(reportHostKeyEndpoint, ({ request }) => reportHostKey(deps, request))
