import type { VerifiedApiKey } from '@opsconductor/contracts'
import type { Deps } from '../deps.ts'
import type { CallTarget } from './store.ts'

/** A call that may be made: what it goes to, and by which key. */
export interface CallContext {
  deps: Deps
  target: CallTarget
  key: VerifiedApiKey
  /** Fires when the client has gone. */
  signal: AbortSignal
}

/** What is asked for. */
export interface Call {
  input: unknown
  idempotencyKey: string | undefined
  /** Tells the client the run's id, also where the call fails. */
  setRunId(id: string): void
}
