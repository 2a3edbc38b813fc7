import type { Deps } from '../deps.ts'
import type { OperationOutcome, StoredOperation } from '../operations/store.ts'

/** A renewal that was refused is made anew while the old certificate lives: what was wrong may have been put right. */
export const refusedAgainMs = 6 * 3_600_000
/** Whoever cancels one does not want it now. */
const cancelledAgainMs = 24 * 3_600_000

/** An operation that should have brought a version ended without one. */
export async function recordIssueEnd(
  deps: Pick<Deps, 'certificates' | 'now'>,
  { certificateId }: StoredOperation,
  outcome: OperationOutcome,
): Promise<void> {
  const certificate = certificateId === null ? undefined : await deps.certificates.findById(certificateId)
  if (certificate === undefined || outcome.state === 'succeeded') return
  const isFirst = certificate.version === 0
  const isFailed = outcome.state === 'failed'
  const soonest = deps.now().getTime() + (isFailed ? refusedAgainMs : cancelledAgainMs)
  const goesOn = !isFirst && certificate.autoRenew && certificate.state === 'valid'
  await deps.certificates.setState(certificate.id, {
    ...(isFirst ? { state: isFailed ? 'failed' : 'pending' } : {}),
    ...(isFailed
      ? { failures: { increment: 1 }, lastError: { ...outcome.error, at: deps.now().toISOString() } }
      : {}),
    ...(goesOn ? { renewAt: new Date(Math.max(soonest, certificate.renewAt?.getTime() ?? 0)) } : {}),
  })
}
