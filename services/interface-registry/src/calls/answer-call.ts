import type { VerifiedApiKey } from '@opsconductor/contracts'
import type { Reply } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { callEntity } from './call-entity.ts'
import { cancelRun } from './cancel-run.ts'
import { queryRun } from './run-status.ts'
import { startRun } from './start-run.ts'
import type { CallTarget } from './store.ts'

export interface CallContext {
  deps: Deps
  target: CallTarget
  key: VerifiedApiKey
  /** Fires when the client has gone. */
  signal: AbortSignal
}

export interface Call {
  input: unknown
  idempotencyKey: string | undefined
  /** Tells the client the run's id, also where the call fails. */
  setRunId(id: string): void
}

/** Does what the interface is for: a job's run, its status or its end, or a call of a long-lived workflow. */
export async function answerCall(context: CallContext, call: Call): Promise<Reply> {
  if (context.target.kind === 'workflow') return callEntity(context, call)
  switch (context.target.interfaceType) {
    case 'update':
      return startRun(context, call)
    case 'query':
      return queryRun(context, call)
    case 'signal':
      return cancelRun(context, call)
  }
}
