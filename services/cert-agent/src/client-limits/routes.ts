import { callerLabel, projectOf } from '@opsconductor/auth'
import { ClientLimits, Id } from '@opsconductor/contracts'
import { type AnyRoute, route } from '@opsconductor/service-kit'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { putLimit, readLimit } from './put-limit.ts'

const path = '/api/servers/limits/{api_key_id}'
const Params = z.object({ api_key_id: Id })

export const clientLimitRoutes = (deps: Deps): AnyRoute[] => [
  route({
    method: 'get',
    path,
    summary: 'Which servers an API key may manage; null: all.',
    action: 'client-limits.read',
    params: Params,
    answers: { 200: ClientLimits },
    handle: async ({ caller, params }) => ({
      status: 200,
      body: { server_ids: await readLimit(deps, projectOf(caller), params.api_key_id) },
    }),
  }),
  route({
    method: 'put',
    path,
    summary: 'Limit an API key to some servers, or to none; null lifts the limit.',
    action: 'client-limits.write',
    params: Params,
    body: ClientLimits,
    answers: { 200: ClientLimits },
    handle: async ({ caller, params, body }) => {
      const which = { projectId: projectOf(caller), apiKeyId: params.api_key_id, by: callerLabel(caller) }
      await putLimit(deps, which, body.server_ids)
      return {
        status: 200,
        body: { server_ids: await readLimit(deps, which.projectId, which.apiKeyId) },
      }
    },
  }),
]
