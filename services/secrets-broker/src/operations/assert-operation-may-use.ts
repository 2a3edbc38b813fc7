import { findOperationEndpoint } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { InternalClient } from '@opsconductor/service-kit'

/** Less than a borrower waits for its answer. */
const askMsMax = 5_000

export interface OperationLoan {
  operationId: string
  projectId: string
  credentialId: string
}

/**
 * Refuses what the operation does not name, or no longer needs: throws `forbidden`, whose text is for the access log, or
 * `service_unavailable` where cert-agent cannot be asked. It is asked each time: an operation may name a credential that
 * it has just made, and lends nothing once it has ended.
 */
export async function assertOperationMayUse(
  internal: Pick<InternalClient, 'call'>,
  { operationId, projectId, credentialId }: OperationLoan,
): Promise<void> {
  const operation = await findOperation(internal, operationId)
  if (operation === undefined) throw new AppError('forbidden', 'There is no such operation.')
  if (operation.project_id.toLowerCase() !== projectId.toLowerCase())
    throw new AppError('forbidden', 'The operation is of another project.')
  if (!operation.running) throw new AppError('forbidden', 'The operation is not under way.')
  if (!operation.credentials.some((id) => id.toLowerCase() === credentialId))
    throw new AppError('forbidden', 'The operation does not name this credential.')
}

async function findOperation(internal: Pick<InternalClient, 'call'>, id: string) {
  try {
    return await internal.call(findOperationEndpoint, {}, { params: { id }, timeoutMs: askMsMax })
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined
    throw new AppError('service_unavailable', 'cert-agent could not be asked about the operation.', {
      cause: error,
      retryAfterSeconds: 2,
    })
  }
}
