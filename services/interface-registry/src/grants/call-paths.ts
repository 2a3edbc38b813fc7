import { findCommonMemberEndpoint } from '@opsconductor/contracts'
import { createCachedLookup, type EventListener } from '@opsconductor/events'
import type { InternalClient } from '@opsconductor/service-kit'
import type pg from 'pg'
import { z } from 'zod'
import { type CallPath, selectCallPath, selectCallPathByName } from './store.ts'

/**
 * Events tell of changes of a connector; what else changes what it leads to (its interface, a project that is deleted)
 * is seen after this time.
 */
const ttlMs = 1_000

export interface CallPaths {
  /** By id, or by name among the project's own; throws `not_found`. */
  find(reference: string, projectId: string): Promise<CallPath>
  hasCommonMember(projectId: string, otherProjectId: string): Promise<boolean>
  forget(connectorId: string): void
  /** Somebody's memberships changed. */
  forgetMembers(): void
  clear(): void
}

export function createCallPaths(options: {
  pool: pg.Pool
  internal: InternalClient
  listener: () => EventListener
}): CallPaths {
  const { pool, internal } = options
  const listener = { connected: () => options.listener().connected() }
  const paths = createCachedLookup<CallPath>({ ttlMs, entriesMax: 2_000, listener })
  const members = createCachedLookup<boolean>({ ttlMs, entriesMax: 2_000, listener })
  return {
    find(reference, projectId) {
      if (z.uuid().safeParse(reference).success) {
        const id = reference.toLowerCase()
        return paths.get(id, () => selectCallPath(pool, id))
      }
      return paths.get(`${projectId}/${reference}`, () => selectCallPathByName(pool, projectId, reference))
    },
    hasCommonMember: (projectId, otherProjectId) =>
      members.get(`${projectId}/${otherProjectId}`, async () => {
        const request = { other_project_id: otherProjectId }
        return (await internal.call(findCommonMemberEndpoint, request, { params: { id: projectId } })).found
      }),
    forget: (connectorId) => paths.forget(({ id }) => id === connectorId),
    forgetMembers: () => members.clear(),
    clear() {
      paths.clear()
      members.clear()
    },
  }
}
