import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '@opsconductor/errors'
import {
  type Client,
  isGrpcServiceError,
  NamespaceNotFoundError,
  WorkflowNotFoundError,
} from '@temporalio/client'
import type { Temporal } from './connect.ts'
import { temporalUnavailable } from './unavailable.ts'

const notFound = 5
/** NAMESPACE_STATE_DEPRECATED: what is open may go on and be ended, nothing is started. */
const deprecated = 2
/** Workflows that were asked to stop get so long for it. */
const graceMs = 5_000
/** A server may take in new workflows for so long after the namespace was closed, and show them late. */
const quietMs = 2_000
const retireMsMax = 25_000
const lookEveryMs = 200

/**
 * Closes a namespace for good: the server starts nothing in it any more, open workflows are cancelled, then terminated.
 * The histories stay until their retention ends. Safe to repeat. Throws `service_unavailable` where it is not done in time.
 */
export async function retireNamespace(temporal: Temporal, namespace: string): Promise<void> {
  try {
    await temporal.connection.withDeadline(Date.now() + retireMsMax, async () => {
      await temporal.connection.workflowService.updateNamespace({
        namespace,
        updateInfo: { state: deprecated },
      })
      await endOpenWorkflows(temporal.clientFor(namespace))
    })
  } catch (error) {
    if (error instanceof NamespaceNotFoundError || (isGrpcServiceError(error) && error.code === notFound))
      return
    throw temporalUnavailable(error) ?? error
  }
}

async function endOpenWorkflows(client: Client): Promise<void> {
  const startedAt = Date.now()
  const asked = new Set<string>()
  for (let quietSince = startedAt; Date.now() - quietSince < quietMs; await delay(lookEveryMs)) {
    if (Date.now() - startedAt > retireMsMax) throw stillBusy()
    const isLate = Date.now() - startedAt > graceMs
    for await (const { workflowId, runId } of client.workflow.list({
      query: "ExecutionStatus = 'Running'",
    })) {
      quietSince = Date.now()
      if (!isLate && asked.has(runId)) continue
      asked.add(runId)
      const handle = client.workflow.getHandle(workflowId, runId)
      await (isLate ? handle.terminate('The project was deleted.') : handle.cancel()).catch((error) => {
        if (!(error instanceof WorkflowNotFoundError)) throw error
      })
    }
  }
}

const stillBusy = () =>
  new AppError('service_unavailable', 'Workflows of the project are still ending.', { retryAfterSeconds: 5 })
