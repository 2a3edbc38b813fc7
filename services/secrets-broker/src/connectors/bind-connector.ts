import { bindConnectorEndpoint, type UseCredential } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { InternalClient } from '@opsconductor/service-kit'
import type { z } from 'zod'

export type BoundConnector = Extract<z.infer<typeof bindConnectorEndpoint.answer>, { allowed: true }>

/** The executor was asked about the run before; both take less than a borrower waits for its answer. */
const askMsMax = 4_000

/**
 * What opens the connector for whoever asks. Throws `forbidden`, whose text is for the access log, where the registry
 * does not allow it, and `service_unavailable` where it cannot be asked.
 */
export async function bindConnector(
  internal: Pick<InternalClient, 'call'>,
  id: string,
  use: UseCredential,
): Promise<BoundConnector> {
  const bound = await internal
    .call(bindConnectorEndpoint, use, { params: { id }, timeoutMs: askMsMax })
    .catch((cause: unknown) => {
      if (cause instanceof AppError && cause.code === 'not_found')
        throw new AppError('forbidden', 'There is no such connector (any more).')
      throw new AppError('service_unavailable', 'The registry could not be asked about the connector.', {
        cause,
        retryAfterSeconds: 2,
      })
    })
  if (!bound.allowed) throw new AppError('forbidden', bound.reason)
  return bound
}
