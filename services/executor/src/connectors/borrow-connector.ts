import type { LentCredential, LentToConnector } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { UsableConnector } from './usable-connector.ts'

export interface BorrowedConnector {
  connector: UsableConnector
  /** What opens it, if anything does. */
  credential: LentCredential | undefined
}

/**
 * A connector as it is when the step runs. Throws `step_failed` where it may not be used (any more), and
 * `service_unavailable` where it was changed meanwhile: what opens it now is not for where it was.
 */
export async function borrowConnector(
  find: () => Promise<UsableConnector>,
  lend: (id: string) => Promise<LentToConnector>,
): Promise<BorrowedConnector> {
  const connector = await find().catch(
    orFailed('The connector is not there, not active, or not shared with this project (any more).'),
  )
  if (!connector.has_credential) return { connector, credential: undefined }
  const { connector_version: version, ...credential } = await lend(connector.id).catch(
    orFailed('The connector has no credential (any more) that could be lent.'),
  )
  if (version !== connector.version)
    throw new AppError('service_unavailable', 'The connector has just been changed.')
  return { connector, credential }
}

const orFailed =
  (message: string) =>
  (error: unknown): never => {
    if (error instanceof AppError && error.code === 'not_found') throw new AppError('step_failed', message)
    throw error
  }
