import type { LentCredential, OutboundPolicy, UseCredential } from '@opsconductor/contracts'
import type { ExecutorEvents } from '../events.ts'
import type { HttpClients } from '../http/http-clients.ts'
import type { DatabasePools } from '../sql/database-pools.ts'
import type { RunJobStore } from './store.ts'

/** What running jobs need of the process. */
export interface RunJobDeps {
  store: RunJobStore
  httpClients: HttpClients
  databasePools: DatabasePools
  outboundPolicyOf(projectId: string): Promise<OutboundPolicy>
  lendCredential(reference: string, use: UseCredential, signal: AbortSignal): Promise<LentCredential>
  events: ExecutorEvents
}
