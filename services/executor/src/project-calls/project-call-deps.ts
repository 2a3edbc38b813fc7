import type { VerifyGrant } from '@opsconductor/auth'
import type { CallGrant, CallTarget, GrantRequest } from '@opsconductor/contracts'
import type { Temporal } from '@opsconductor/temporal'
import type { z } from 'zod'
import type { ExecutorEvents } from '../events.ts'
import type { JobStore } from '../jobs/store.ts'
import type { RunStore } from '../runs/store.ts'
import type { ProjectCallStore } from './store.ts'

/** What calls between projects need of the process, on the side that calls and on the side that serves. */
export interface ProjectCallDeps {
  store: ProjectCallStore
  runs: Pick<RunStore, 'find'>
  jobs: Pick<JobStore, 'find'>
  temporal: Pick<Temporal, 'clientFor'>
  /** Whether the Nexus endpoint is there: a workflow that names a missing one hangs. */
  hasEndpoint(name: string): Promise<boolean>
  /** The registry's leave to call. */
  grant(
    reference: string,
    request: z.input<typeof GrantRequest>,
  ): Promise<{ grant: string; target: CallTarget }>
  verifyGrant: VerifyGrant
  /** What the call may reach now; throws `call_not_allowed` where the connector does not stand any more. */
  admit(grant: CallGrant): Promise<CallTarget>
  /** Has the project's worker running. */
  serve(projectId: string): Promise<void>
  /** True once this process lets its workers end. */
  isStopping(): boolean
  events: Pick<
    ExecutorEvents,
    | 'connectorCallEnded'
    | 'connectorCallServed'
    | 'connectorCallRefused'
    | 'connectorCallBroke'
    | 'breakerChanged'
  >
}
