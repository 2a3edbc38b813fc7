import type { OperationKind } from './store.ts'

// Plans and outcomes stand in histories, which later versions of this code replay: fields that came later are optional.
// None of them holds a secret.

export interface Failure {
  code: string
  message: string
}

/** Something that is tried until it succeeds, as far as it got. */
export interface Pursued {
  /** That failed. */
  attempts: number
  /** RFC 3339; null: now. */
  retryAt: string | null
}

export interface PlannedDeployment extends Pursued {
  id: string
  /** When what is served now expires; null where nothing is. */
  expiresAt: string | null
}

export interface OperationPlan {
  kind: OperationKind
  batchId: string | null
  /** Of `issue` and `renew`. */
  pursued: Pursued
  expiresAt: string | null
  /** Of `deploy`. */
  deployments: PlannedDeployment[]
  /** Of `batch`. */
  certificateIds: string[]
  concurrency: number
}

export type Ended =
  | { state: 'succeeded'; result: unknown }
  | { state: 'failed' | 'cancelled'; error: Failure; result?: unknown }

export type AttemptOfDeployment = { state: 'live'; version: number } | { state: 'superseded' }

/** What the workflow asks of its worker. */
export interface OperationActivities {
  /** The operation is running from now on; null where it has ended already. */
  openOperation(operationId: string): Promise<OperationPlan | null>
  /** One attempt at all that an operation is but for deploying; answers its result. */
  performOperation(operationId: string): Promise<unknown>
  /** One attempt at one deployment. */
  performDeployment(operationId: string, deploymentId: string): Promise<AttemptOfDeployment>
  /** An attempt failed, or was interrupted (null), and is made again then; for those who watch. */
  postponeOperation(operationId: string, next: Pursued, failure: Failure | null): Promise<void>
  postponeDeployment(
    operationId: string,
    deploymentId: string,
    next: Pursued,
    failure: Failure | null,
  ): Promise<void>
  /** Starts the batch's operation on the certificate; null where there is nothing to do it on. */
  startItem(batchId: string, certificateId: string): Promise<string | null>
  /** Whether an item of a batch has ended, or waits to be tried again. */
  isSettled(operationId: string): Promise<boolean>
  reportBatch(batchId: string, done: number, total: number): Promise<void>
  cancelItems(batchId: string): Promise<void>
  /** What became of the items of a batch. */
  resultOfBatch(batchId: string): Promise<unknown>
  closeOperation(operationId: string, outcome: Ended): Promise<void>
}
