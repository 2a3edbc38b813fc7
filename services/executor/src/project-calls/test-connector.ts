import { randomUUID } from 'node:crypto'
import { hashJson } from '@opsconductor/auth'
import {
  type callParts,
  namespaceOf,
  type ProjectConnectorTest,
  runJobWorkflow,
  type testProjectConnectorEndpoint,
} from '@opsconductor/contracts'
import { AppError, toAppError } from '@opsconductor/errors'
import { WorkflowFailedError } from '@temporalio/client'
import type { z } from 'zod'
import type { OperationEnd } from './call-contract.ts'
import type { ProjectCallDeps } from './project-call-deps.ts'
import type { pingConnector } from './workflow/ping-connector.ts'

type Part = (typeof callParts)[number]
type Failed = { part: Part; code: string; message: string }
type Tested = z.infer<typeof ProjectConnectorTest>

/** What the operation may take; the workflow around it gets a few seconds more, also where no endpoint is there. */
const pingSeconds = 6
const workflowMsMax = 10_000

const partOfCode = new Map<string, Part>([
  ['call_not_allowed', 'permission'],
  ['call_loop', 'permission'],
  ['connector_not_ready', 'endpoint'],
  ['target_missing', 'target_workflow'],
  ['validation_failed', 'schema'],
  ['call_no_worker', 'worker'],
])

/** Calls through the connector without effect. Throws `not_found` where there is none, and while something of ours is away. */
export async function testConnector(
  deps: ProjectCallDeps,
  asked: z.infer<typeof testProjectConnectorEndpoint.request>,
): Promise<Tested> {
  const startedAt = performance.now()
  const failed = await findFault(deps, asked)
  const facts = {
    latency_ms: Math.round(performance.now() - startedAt),
    checked_at: new Date().toISOString(),
  }
  return failed === undefined ? { ok: true, ...facts } : { ok: false, ...facts, ...failed }
}

async function findFault(
  deps: ProjectCallDeps,
  {
    project_id: projectId,
    connector_id: connectorId,
    operation,
  }: z.infer<typeof testProjectConnectorEndpoint.request>,
): Promise<Failed | undefined> {
  try {
    const { grant, target } = await deps.grant(connectorId, {
      ...{ project_id: projectId, operation, run_id: `test-${randomUUID()}`, step_id: 'test', item: '' },
      ...{ input_sha256: hashJson(null), chain: [projectId], seconds: pingSeconds },
    })
    if (!(await deps.hasEndpoint(target.nexus_endpoint_name)))
      throw new AppError('connector_not_ready', 'The Nexus endpoint is not there.')
    await Promise.all([deps.serve(projectId), deps.serve(target.target_project_id)]).catch(() => {
      throw new AppError('call_no_worker', 'No worker serves the project yet.')
    })
    const client = deps.temporal.clientFor(namespaceOf(projectId))
    const end: OperationEnd = await client.workflow.execute(
      'pingConnector' satisfies (typeof pingConnector)['name'],
      {
        workflowId: `connector-test-${randomUUID()}`,
        taskQueue: runJobWorkflow.taskQueue,
        workflowExecutionTimeout: workflowMsMax,
        args: [{ endpoint: target.nexus_endpoint_name, grant, seconds: pingSeconds }],
      },
    )
    return faultOf(end)
  } catch (error) {
    if (error instanceof WorkflowFailedError)
      return { part: 'endpoint', code: 'connector_not_ready', message: 'The Nexus endpoint is not there.' }
    const { code, message } = toAppError(error)
    const part = partOfCode.get(code)
    if (part === undefined) throw error
    return { part, code, message }
  }
}

function faultOf(end: OperationEnd): Failed | undefined {
  if (end.status !== 'failed') return undefined
  if (end.by === 'application')
    return { part: partOfCode.get(end.code) ?? 'target', code: end.code, message: end.message }
  return end.by === 'timeout'
    ? { part: 'worker', code: 'call_no_worker', message: 'No worker of the target took the call in time.' }
    : { part: 'worker', code: 'target_failed', message: 'The worker of the target does not serve calls.' }
}
