import { type Caller, callerLabel, projectOf } from '@opsconductor/auth'
import { toAppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'

export interface AccountWork {
  projectId: string
  operationId: string
  actor: string
  signal: AbortSignal
}

/** What the caller waits for, as an operation all the same: the broker lends and keeps account keys for operations alone. */
export async function asOperation<T>(
  { operations, audit }: Pick<Deps, 'operations' | 'audit'>,
  caller: Caller,
  {
    action,
    accountId,
    signal,
  }: { action: 'create' | 'update' | 'delete'; accountId: string; signal: AbortSignal },
  work: (of: AccountWork) => Promise<T>,
): Promise<T> {
  const [projectId, actor] = [projectOf(caller), callerLabel(caller)]
  const request = { action, acme_account_id: accountId }
  const { id } = await operations.insert({ projectId, kind: 'account', actor, request }, 'running')
  const record = (outcome: 'succeeded' | 'failed', code?: string) =>
    audit.record({
      ...{ projectId, actor, action: `acme_account.${action}`, outcome, operationId: id },
      detail: { acme_account_id: accountId, ...(code === undefined ? {} : { code }) },
    })
  try {
    const done = await work({ projectId, operationId: id, actor, signal })
    await record('succeeded')
    await operations.close(id, { state: 'succeeded', result: request })
    return done
  } catch (error) {
    const { code, message } = toAppError(error)
    await operations.close(id, { state: 'failed', error: { code, message } })
    await record('failed', code)
    throw error
  }
}
