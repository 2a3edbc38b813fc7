import type { Deps } from '../deps.ts'
import type { Failure, Pursued } from './activity-contract.ts'

/** For those who watch: what went wrong, and when it is tried again. An attempt that was interrupted says nothing of it. */
export async function postponeOperation(
  deps: Pick<Deps, 'operations' | 'certificates' | 'events' | 'now'>,
  id: string,
  { attempts, retryAt }: Pursued,
  failure: Failure | null,
): Promise<void> {
  const error = failure && { ...failure, at: deps.now().toISOString() }
  const operation = await deps.operations.report(id, {
    ...{ step: 'waiting', attempts, retry_at: retryAt },
    ...(error === null ? {} : { error }),
  })
  if (operation === undefined || error === null) return
  const { kind, certificateId } = operation
  if (kind === 'renew') deps.events.renewalFailed()
  if (certificateId === null || (kind !== 'issue' && kind !== 'renew')) return
  await deps.certificates.setState(certificateId, { failures: { increment: 1 }, lastError: error })
}
