import { projectOf } from '@opsconductor/auth'
import {
  ApiKey,
  CreateApiKey,
  CreatedApiKey,
  IdParams,
  PageQuery,
  pageOf,
  reportKeyUseEndpoint,
  verifyKeyEndpoint,
} from '@opsconductor/contracts'
import { type AnyInternalRoute, type AnyRoute, internalRoute, route, toPage } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { createKey } from './create-key.ts'
import { getKey } from './get-key.ts'
import { keyToWire } from './key-wire.ts'
import { regenerateKey } from './regenerate-key.ts'
import { reportKeyUse } from './report-key-use.ts'
import { revokeKey } from './revoke-key.ts'

export const listKeysRoute = (deps: Deps): AnyRoute =>
  route({
    method: 'get',
    path: '/api/keys',
    summary: "The project's API keys, each by the first characters of its id.",
    action: 'keys:read',
    query: PageQuery,
    answers: { 200: pageOf(ApiKey) },
    handle: async ({ caller, query }) => ({
      status: 200,
      body: toPage(await deps.keys.list(projectOf(caller), query), query.limit, keyToWire),
    }),
  })

export const createKeyRoute = (deps: Deps): AnyRoute =>
  route({
    method: 'post',
    path: '/api/keys',
    summary: 'Make an API key of the project. The answer is the only place where the key is ever shown.',
    action: 'keys:write',
    body: CreateApiKey,
    answers: { 201: CreatedApiKey },
    async handle({ caller, body }) {
      const { apiKey, key } = await createKey(deps, caller, body)
      return {
        status: 201,
        body: { ...keyToWire(apiKey), key },
        headers: { Location: `/api/keys/${apiKey.id}` },
      }
    },
  })

export const getKeyRoute = (deps: Deps): AnyRoute =>
  route({
    method: 'get',
    path: '/api/keys/{id}',
    summary: 'One API key.',
    action: 'keys:read',
    params: IdParams,
    answers: { 200: ApiKey },
    handle: async ({ caller, params }) => ({
      status: 200,
      body: keyToWire(await getKey(deps, caller, params.id)),
    }),
  })

export const revokeKeyRoute = (deps: Deps): AnyRoute =>
  route({
    method: 'delete',
    path: '/api/keys/{id}',
    summary: 'Revoke an API key, at once and for good.',
    action: 'keys:write',
    params: IdParams,
    answers: { 204: null },
    async handle({ caller, params }) {
      await revokeKey(deps, caller, params.id)
      return { status: 204 }
    },
  })

export const regenerateKeyRoute = (deps: Deps): AnyRoute =>
  route({
    method: 'post',
    path: '/api/keys/{id}/regenerate',
    summary: 'A new secret for one of your own keys, shown this once; the old one stops working at once.',
    action: 'keys:write',
    params: IdParams,
    answers: { 200: CreatedApiKey },
    async handle({ caller, params }) {
      const { apiKey, key } = await regenerateKey(deps, caller, params.id)
      return { status: 200, body: { ...keyToWire(apiKey), key } }
    },
  })

export const verifyKeyRoute = (deps: Deps): AnyInternalRoute =>
  internalRoute(verifyKeyEndpoint, ({ request }) => deps.verifyKey(request.key))

export const reportKeyUseRoute = (deps: Deps): AnyInternalRoute =>
  internalRoute(reportKeyUseEndpoint, async ({ request }) => ({
    updated: await reportKeyUse(deps, request.items),
  }))
