import type { VerifyGrant } from '@opsconductor/auth'
import type { CallGrant, CallOperation } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { type ProjectCall, projectCalls } from '@opsconductor/temporal/nexus'
import { ApplicationFailure, WorkflowUpdateFailedError } from '@temporalio/client'
import { getClient, operationInfo } from '@temporalio/nexus'
import * as nexus from 'nexus-rpc'

/** The workflow that the project's service interfaces name. */
export const stockWorkflowId = 'stock'

/** Serves the calls of other projects. The grant is checked first: on an own Temporal server anybody may call. */
export function createStockService({
  projectId,
  verifyGrant,
}: {
  projectId: string
  verifyGrant: VerifyGrant
}) {
  const stock = () => getClient().workflow.getHandle(stockWorkflowId)

  function serve(
    operation: CallOperation | undefined,
    answer: (input: unknown, grant: CallGrant) => unknown,
  ) {
    return async (_: unknown, { grant: text, input }: ProjectCall): Promise<unknown> => {
      try {
        const grant = await verifyGrant(text, { targetProjectId: projectId, operation, input })
        if (operationInfo().endpoint !== `oc-${grant.connector_id}`)
          throw ApplicationFailure.nonRetryable('The grant is for another connector.', 'call_not_allowed')
        return (await answer(input, grant)) ?? null
      } catch (error) {
        throw toOperationError(error)
      }
    }
  }

  return nexus.serviceHandler(projectCalls, {
    // The server repeats what it has heard no answer of. The update's id lets it happen once.
    call: serve('call', (input, { connector_id, run_id, step_id, item }) =>
      stock().executeUpdate('take', {
        args: [input],
        updateId: [connector_id, run_id, step_id, item].join('/'),
      }),
    ),
    // A repeated signal fills twice: only the client's own raw call takes a request id.
    signal: serve('signal', (input) => stock().signal('fill', input)),
    query: serve('query', (input) => stock().query('count', input)),
    start: serve('start', () => {
      throw ApplicationFailure.nonRetryable('The stock is not started by others.', 'call_not_allowed')
    }),
    ping: async (_, { grant, input }) => {
      await serve(undefined, () => null)(_, { grant, input })
      return null
    },
  })
}

/** Any other error would be repeated until the call's time is over, and its cause be lost. */
function toOperationError(error: unknown): Error {
  const known = error instanceof WorkflowUpdateFailedError ? error.cause : error
  if (!(known instanceof ApplicationFailure || known instanceof AppError)) return error as Error
  const { message } = known
  const type = known instanceof AppError ? known.code : known.type
  return new nexus.OperationError('failed', message, {
    cause: ApplicationFailure.nonRetryable(message, type),
  })
}
