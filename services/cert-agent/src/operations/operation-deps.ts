import type { Deps } from '../deps.ts'

/** What it takes to start an operation and to end one. */
export type OperationDeps = Pick<
  Deps,
  | 'config'
  | 'temporal'
  | 'operations'
  | 'certificates'
  | 'deployments'
  | 'audit'
  | 'events'
  | 'notifications'
  | 'now'
>
