import type { Deps } from '../deps.ts'
import type { OpenServerDeps } from '../servers/open-server.ts'

export type SolverDeps = OpenServerDeps &
  Pick<
    Deps,
    | 'dnsAccounts'
    | 'httpChallenges'
    | 'presentedChallenges'
    | 'config'
    | 'now'
    | 'internal'
    | 'resolve'
    | 'trustLookup'
    | 'log'
  >

/** For which operation, and whose. */
export interface SolverOf {
  projectId: string
  operationId: string
  actor: string
  signal: AbortSignal
}

/** How one kind of challenge is answered. `signal` is not the operation's: what was begun is taken back after it too. */
export interface Solving {
  /** `remember` resolves before anything is put anywhere; `place`: of a record, where CNAMEs led to. */
  present(signal: AbortSignal, remember: (place?: string) => Promise<void>): Promise<void>
  visible(signal: AbortSignal): Promise<void>
  cleanUp(signal: AbortSignal): Promise<void>
}
