import { projectOf } from '@opsconductor/auth'
import {
  CreateTrustedHostKey,
  getTrustEndpoint,
  IdParams,
  ListTrustedHostKeys,
  pageOf,
  TrustedHostKey,
  UpdateTrustedHostKey,
} from '@opsconductor/contracts'
import { internalRoute, route, toPage } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { projectActor } from '../project-actor.ts'
import { createHostKey } from './create-host-key.ts'
import { deleteHostKey } from './delete-host-key.ts'
import { findHostKey, listHostKeys } from './find-host-keys.ts'
import { getTrust } from './get-trust.ts'
import { hostKeyToWire } from './trust-to-wire.ts'
import { updateHostKey } from './update-host-key.ts'

const path = '/api/trust/host-keys'

export const createHostKeyRoute = (deps: Deps) =>
  route({
    method: 'post',
    path,
    summary: 'Trust the key of an SSH host: a public key, or a line of known_hosts',
    action: 'trust:write',
    body: CreateTrustedHostKey,
    answers: { 201: TrustedHostKey },
    async handle({ caller, clientAddress, body }) {
      const record = await createHostKey(deps, projectActor(caller, clientAddress), body)
      return { status: 201, headers: { Location: `${path}/${record.id}` }, body: hostKeyToWire(record) }
    },
  })

export const listHostKeysRoute = (deps: Deps) =>
  route({
    method: 'get',
    path,
    summary:
      'The SSH host keys that the project trusts or has revoked, newest first; of one host where asked',
    action: 'trust:read',
    query: ListTrustedHostKeys,
    answers: { 200: pageOf(TrustedHostKey) },
    async handle({ caller, query }) {
      const rows = await listHostKeys(deps, projectOf(caller), query)
      return { status: 200, body: toPage(rows, query.limit, hostKeyToWire) }
    },
  })

export const getHostKeyRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: `${path}/{id}`,
    summary: 'One SSH host key',
    action: 'trust:read',
    params: IdParams,
    answers: { 200: TrustedHostKey },
    async handle({ caller, params }) {
      return { status: 200, body: hostKeyToWire(await findHostKey(deps, projectOf(caller), params.id)) }
    },
  })

export const updateHostKeyRoute = (deps: Deps) =>
  route({
    method: 'put',
    path: `${path}/{id}`,
    summary: 'Revoke an SSH host key, or change its comment',
    action: 'trust:write',
    params: IdParams,
    body: UpdateTrustedHostKey,
    answers: { 200: TrustedHostKey },
    async handle({ caller, clientAddress, params, body }) {
      const record = await updateHostKey(deps, projectActor(caller, clientAddress), params.id, body)
      return { status: 200, body: hostKeyToWire(record) }
    },
  })

export const deleteHostKeyRoute = (deps: Deps) =>
  route({
    method: 'delete',
    path: `${path}/{id}`,
    summary: 'Forget an SSH host key',
    action: 'trust:write',
    params: IdParams,
    answers: { 204: null },
    async handle({ caller, clientAddress, params }) {
      await deleteHostKey(deps, projectActor(caller, clientAddress), params.id)
      return { status: 204 }
    },
  })

export const getTrustRoute = (deps: Deps) =>
  internalRoute(getTrustEndpoint, ({ request }) => getTrust(deps, request))
