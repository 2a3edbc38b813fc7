import type { Deps } from '../deps.ts'
import type { Failure, Pursued } from '../operations/activity-contract.ts'
import { reportDeployments } from './report-deployments.ts'

/** For those who watch; what went wrong is in the row already, unless the attempt never began. */
export async function postponeDeployment(
  deps: Pick<Deps, 'operations' | 'deployments' | 'turns'>,
  of: { id: string; operationId: string },
  { attempts, retryAt }: Pursued,
  failure: Failure | null,
): Promise<void> {
  await deps.deployments.postpone(of, {
    attempts,
    retryAt: retryAt === null ? null : new Date(retryAt),
    ...(failure === null ? {} : { error: { ...failure, at: new Date().toISOString() } }),
  })
  await reportDeployments(deps, of.operationId)
}
