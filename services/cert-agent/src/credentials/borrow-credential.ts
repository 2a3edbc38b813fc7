import { type LentCredential, useCredentialEndpoint } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'

/**
 * A credential that the broker lends to an operation which is under way and names it. Throws `step_failed` where it is
 * gone, of a type that `taken` does not name, or not to be lent; `service_unavailable` and `vault_…` as they come.
 */
export async function borrowCredential(
  { internal }: Pick<Deps, 'internal'>,
  of: { projectId: string; operationId: string; reference: string; taken: readonly string[] },
  signal: AbortSignal,
): Promise<LentCredential> {
  const lent = await internal
    .call(
      useCredentialEndpoint,
      { project_id: of.projectId, operation_id: of.operationId },
      { params: { reference: of.reference }, signal },
    )
    .catch((error: unknown) => {
      throw toLendingError(error)
    })
  if (of.taken.includes(lent.type)) return lent
  throw new AppError('step_failed', `A credential of type ${lent.type} is not taken here.`)
}

/** Whether it is what `borrowCredential` throws of a credential that is not there. */
export const isCredentialGone = (error: unknown): boolean =>
  error instanceof AppError && error.internal?.isGone === true

/** The broker's refusal in an operation's words; its own detail speaks of another request. */
function toLendingError(error: unknown): unknown {
  if (!(error instanceof AppError) || error.retryable || error.code.startsWith('vault_')) return error
  if (error.code === 'not_found')
    return new AppError('step_failed', 'The credential does not exist in this project (any more).', {
      internal: { isGone: true },
    })
  return new AppError('step_failed', 'The broker does not lend the credential; its access log says why.', {
    cause: error,
  })
}
