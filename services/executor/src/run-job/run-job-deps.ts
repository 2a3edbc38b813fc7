import type { LentCredential, OutboundPolicy, UseCredential } from '@opsconductor/contracts'
import type { ExecutorEvents } from '../events.ts'
import type { HttpClients } from '../http/http-clients.ts'
import type { Resolve } from '../outbound-policy/resolve-target.ts'
import type { DatabasePools } from '../sql/database-pools.ts'
import type { ProjectTrust } from '../trust/project-trust.ts'
import type { RunJobStore } from './store.ts'

/** What running jobs need of the process. */
export interface RunJobDeps {
  store: RunJobStore
  httpClients: HttpClients
  databasePools: DatabasePools
  outboundPolicyOf(projectId: string): Promise<OutboundPolicy>
  trustOf(projectId: string): ProjectTrust
  resolve: Resolve
  lendCredential(reference: string, use: UseCredential, signal: AbortSignal): Promise<LentCredential>
  events: ExecutorEvents
}
