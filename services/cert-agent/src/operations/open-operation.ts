import type { Deps } from '../deps.ts'
import type { OperationPlan, PlannedDeployment, Pursued } from './activity-contract.ts'
import type { StoredOperation } from './store.ts'

type Needed = Pick<Deps, 'operations' | 'deployments' | 'certificates'>

/** What is to be done, from where an earlier history left it; null where nothing is. */
export async function openOperation(deps: Needed, id: string): Promise<OperationPlan | null> {
  const operation = await deps.operations.begin(id)
  if (operation === undefined) return null
  const { certificate_ids: certificateIds = [], concurrency = 1 } = operation.request as {
    certificate_ids?: string[]
    concurrency?: number
  }
  return {
    kind: operation.kind as OperationPlan['kind'],
    batchId: operation.batchId,
    pursued: pursuedOf(operation),
    expiresAt: await expiryOf(deps, operation),
    deployments: operation.kind === 'deploy' ? await planDeployments(deps, operation) : [],
    certificateIds,
    concurrency,
  }
}

function pursuedOf({ progress }: StoredOperation): Pursued {
  const { attempts = 0, retry_at: retryAt = null } = progress as {
    attempts?: number
    retry_at?: string | null
  }
  return { attempts, retryAt }
}

async function expiryOf(
  { certificates }: Needed,
  { kind, certificateId }: StoredOperation,
): Promise<string | null> {
  if (kind !== 'renew' || certificateId === null) return null
  return (await certificates.findById(certificateId))?.notAfter?.toISOString() ?? null
}

async function planDeployments(
  { deployments }: Needed,
  { id }: StoredOperation,
): Promise<PlannedDeployment[]> {
  const wished = await deployments.listOfOperation(id)
  return Promise.all(
    wished.map(async (deployment) => ({
      id: deployment.id,
      attempts: deployment.attempts,
      retryAt: deployment.retryAt?.toISOString() ?? null,
      expiresAt: (await deployments.liveUntil(deployment))?.toISOString() ?? null,
    })),
  )
}
