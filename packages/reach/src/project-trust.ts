import { getTrustEndpoint, reportHostKeyEndpoint } from '@opsconductor/contracts'
import type { CachedLookup } from '@opsconductor/events'
import type { InternalClient } from '@opsconductor/service-kit'
import type { ShownHostKey } from '@opsconductor/ssh'
import type { z } from 'zod'
import { type Authorities, chooseAuthorities, type TrustingConnection } from './authorities.ts'

type TrustAnswer = z.infer<typeof getTrustEndpoint.answer>
export type TrustedKey = TrustAnswer['host_keys'][number]

/** Whom a step of the project trusts. */
export interface ProjectTrust {
  /** Asked before a connection is made, and at every use of a pooled one. Throws what `chooseAuthorities` throws. */
  authorities(connection: TrustingConnection): Promise<Authorities>
  /** The keys that an SSH host may show, and those that are revoked. */
  hostKeys(host: string, port: number): Promise<TrustedKey[]>
  /** A key that a host has shown and that is not trusted: a person may approve it. Never throws. */
  reportHostKey(host: string, port: number, key: ShownHostKey): Promise<void>
}

export type TrustLookup = CachedLookup<TrustAnswer>

/**
 * Asked of the broker, and remembered until the project's trust changes. Throws `service_unavailable`.
 * `limitsCaBundles`: of the step's credentials that are limited to CA bundles, as `limitsOf` has them.
 */
export function createProjectTrust(
  deps: {
    internal: Pick<InternalClient, 'call'>
    lookup: TrustLookup
    onNotReported(error: unknown): void
  },
  projectId: string,
  limitsCaBundles: readonly (readonly string[])[],
): ProjectTrust {
  const ask = (where: { host?: string; port?: number }) =>
    deps.lookup.get(trustKey(projectId, where), () =>
      deps.internal.call(getTrustEndpoint, { project_id: projectId, port: 22, ...where }),
    )
  return {
    authorities: (connection) =>
      chooseAuthorities(async () => (await ask({})).ca_bundles, limitsCaBundles, connection),
    hostKeys: async (host, port) => (await ask({ host: host.toLowerCase(), port })).host_keys,
    async reportHostKey(host, port, { keyType, publicKey }) {
      const seen = { project_id: projectId, host, port, key: `${keyType} ${publicKey}` }
      await deps.internal.call(reportHostKeyEndpoint, seen).catch(deps.onNotReported)
    },
  }
}

const trustKey = (projectId: string, { host = '', port = 0 }: { host?: string; port?: number }): string =>
  `${projectId} ${host} ${port}`

export const isTrustOf = (projectId: string, key: string): boolean => key.startsWith(`${projectId} `)
