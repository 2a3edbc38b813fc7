import type { NewAuditRow } from '../audit/store.ts'
import { recordIssueEnd } from '../certificates/record-issue-end.ts'
import { tellRevocationFailed } from '../watching/tell-revocation.ts'
import type { OperationDeps } from './operation-deps.ts'
import type { OperationOutcome } from './store.ts'

/** Writes how the operation ended, once; deployments that it saw to wait for nobody any more. */
export async function endOperation(
  deps: OperationDeps,
  id: string,
  outcome: OperationOutcome,
): Promise<void> {
  const open = await deps.operations.findById(id)
  if (open === undefined || open.finishedAt !== null) return
  const { kind, projectId, actor, certificateId, serverId } = open
  // First what hangs on it: who dies here is followed by one that still finds it open.
  if (kind === 'deploy') await deps.deployments.release(id)
  if (kind === 'issue' || kind === 'renew') await recordIssueEnd(deps, open, outcome)
  if (kind === 'revoke' && outcome.state === 'failed') await tellRevocationFailed(deps, open, outcome.error)
  const code = outcome.state === 'succeeded' ? undefined : outcome.error.code
  const row: NewAuditRow = {
    ...{ projectId, actor, operationId: id },
    ...{ certificateId: certificateId ?? undefined, serverId: serverId ?? undefined },
    action: `operation.${kind}`,
    outcome: outcome.state === 'succeeded' ? 'succeeded' : 'failed',
    detail: { state: outcome.state, ...(code === undefined ? {} : { code }) },
  }
  const ended = await deps.operations.close(id, outcome, (tx) => deps.audit.record(row, tx))
  if (ended === undefined) return
  if (kind === 'renew' && outcome.state === 'failed') deps.events.renewalFailed()
  deps.events.operationEnded(ended, outcome.state, code)
}
