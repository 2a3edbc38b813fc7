import { createGrantVerifier } from '@opsconductor/auth'
import {
  admitCallEndpoint,
  type CallTarget,
  grantCallEndpoint,
  grantKeysEndpoint,
} from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { type CachedLookup, createCachedLookup, type EventListener } from '@opsconductor/events'
import type { InternalClient } from '@opsconductor/service-kit'
import { type Temporal, temporalUnavailable } from '@opsconductor/temporal'
import type { JSONWebKeySet } from 'jose'
import type { ProjectCallDeps } from './project-call-deps.ts'

/** An event says that a connector changed; this bounds the harm should one ever be lost. */
const admittedMs = 1_000
const endpointMs = 1_000

export interface ProjectCalls extends ProjectCallDeps {
  /** What connectors may reach now, by what was asked of the registry. */
  admitted: Pick<CachedLookup<CallTarget>, 'forget' | 'clear'>
}

/** Calls between projects, with the registry as the one that says who may. */
export function createProjectCalls({
  internal,
  listener,
  temporal,
  ...deps
}: Omit<ProjectCallDeps, 'temporal' | 'hasEndpoint' | 'grant' | 'admit' | 'verifyGrant'> & {
  temporal: Temporal
  internal: InternalClient
  listener: Pick<EventListener, 'connected'>
}): ProjectCalls {
  const admitted = createCachedLookup<CallTarget>({ ttlMs: admittedMs, entriesMax: 5_000, listener })
  const endpoints = createCachedLookup<true>({ ttlMs: endpointMs, entriesMax: 5_000, listener })
  return {
    ...deps,
    temporal,
    admitted,
    hasEndpoint: (name) =>
      endpoints
        .get(name, async () => {
          const found = await temporal.connection.operatorService.listNexusEndpoints({ name, pageSize: 1 })
          if (found.endpoints.length === 0) throw new AppError('not_found', 'There is no such endpoint.')
          return true
        })
        .catch((error: unknown) => {
          if (error instanceof AppError && error.code === 'not_found') return false
          throw temporalUnavailable(error) ?? error
        }),
    grant: (reference, request) => internal.call(grantCallEndpoint, request, { params: { reference } }),
    verifyGrant: createGrantVerifier(
      async () => (await internal.call(grantKeysEndpoint, {})) as unknown as JSONWebKeySet,
    ),
    admit({ connector_id: id, source_project_id, target_project_id, operation }) {
      const request = { source_project_id, target_project_id, operation }
      return admitted.get(JSON.stringify([id, request]), async () => {
        const answer = await internal.call(admitCallEndpoint, request, { params: { id } })
        if (!answer.admitted) throw new AppError('call_not_allowed', answer.reason)
        return answer.target
      })
    },
  }
}
