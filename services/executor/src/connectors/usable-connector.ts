import type { ResolvedConnector } from '@opsconductor/contracts'

/** A connector that a project may use: its own, or one of another project that it was given. */
export interface UsableConnector extends ResolvedConnector {
  isShared: boolean
}

/** By name or id. Throws `not_found` where it is not active, or not the project's to use; `service_unavailable`. */
export type FindConnector = (projectId: string, reference: string) => Promise<UsableConnector>
