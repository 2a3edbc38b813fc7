import type { LentCredential, LentToConnector, OutboundPolicy, UseCredential } from '@opsconductor/contracts'
import type { ProjectTrust, Resolve } from '@opsconductor/reach'
import type { SshPool } from '@opsconductor/ssh'
import type { ArtefactDeps } from '../artefacts/create-step-artefacts.ts'
import type { BastionStore } from '../bastions/store.ts'
import type { FindConnector } from '../connectors/usable-connector.ts'
import type { ExecutorEvents } from '../events.ts'
import type { HttpClients } from '../http/http-clients.ts'
import type { MibTree } from '../mibs/mib-tree.ts'
import type { ProjectCallDeps } from '../project-calls/project-call-deps.ts'
import type { Databases } from '../sql/databases.ts'
import type { WebhookStore } from '../webhooks/store.ts'
import type { RunJobStore } from './store.ts'
import type { WriteBehind } from './write-behind.ts'

/** What running jobs need of the process. */
export interface RunJobDeps {
  store: RunJobStore
  writeBehind: WriteBehind
  artefacts: ArtefactDeps
  httpClients: HttpClients
  databases: Databases
  sshPool: SshPool
  bastions: Pick<BastionStore, 'findNamed'>
  outboundPolicyOf(projectId: string): Promise<OutboundPolicy>
  trustOf(projectId: string, limitsCaBundles: readonly (readonly string[])[]): ProjectTrust
  mibsOf(projectId: string): Promise<MibTree>
  resolve: Resolve
  webhooks: WebhookStore
  projectCalls: ProjectCallDeps
  lendCredential(reference: string, use: UseCredential, signal: AbortSignal): Promise<LentCredential>
  connectorOf: FindConnector
  /** What opens the connector. */
  lendConnector(id: string, use: UseCredential, signal: AbortSignal): Promise<LentToConnector>
  events: ExecutorEvents
}
