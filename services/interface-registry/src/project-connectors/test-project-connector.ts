import type { Caller } from '@opsconductor/auth'
import { type ProjectConnectorTest, testProjectConnectorEndpoint } from '@opsconductor/contracts'
import type { z } from 'zod'
import { asProject } from '../acting-project.ts'
import { recordAccess } from '../connectors/record-access.ts'
import type { Deps } from '../deps.ts'
import { operationOf } from '../grants/may-call.ts'
import { findOwnProjectConnector } from './find-project-connector.ts'
import type { ProjectConnectorRecord } from './store.ts'

type Result = z.infer<typeof ProjectConnectorTest>

/** Longer than the executor waits for a worker, shorter than the gateway waits for us. */
const testMs = 28_000

/** A real call through the connector, without effect. The executor makes it: it has the worker to call from. */
export async function testProjectConnector(deps: Deps, caller: Caller, id: string): Promise<Result> {
  const found = await findOwnProjectConnector(deps, caller, id)
  deps.testLimits.ofConnector.take(found.id)
  deps.testLimits.ofProject.take(found.sourceProjectId)
  await asProject(deps.pool, found.sourceProjectId, (client) =>
    recordAccess(client, caller, { ...found, projectId: found.sourceProjectId }, 'test'),
  )
  const result = await tryOut(deps, found)
  deps.events.projectConnectorTested(found.id, result.ok ? 'ok' : result.part)
  return result
}

async function tryOut(deps: Deps, found: ProjectConnectorRecord): Promise<Result> {
  const startedAt = performance.now()
  const failed = (part: 'endpoint' | 'permission', code: string, message: string): Result => ({
    ok: false,
    latency_ms: Math.round(performance.now() - startedAt),
    checked_at: new Date().toISOString(),
    part,
    code,
    message,
  })
  if (!found.isActive) return failed('permission', 'call_not_allowed', 'The connector is switched off.')
  const isKept = () => deps.endpoints.isKept({ ...found, taskQueue: found.authConfig.task_queue })
  if (found.state !== 'ready' || !(await isKept())) {
    deps.endpoints.soon()
    return failed(
      'endpoint',
      'connector_not_ready',
      found.lastError ?? 'The Nexus endpoint is not as it should be.',
    )
  }
  const path = await deps.callPaths.find(found.id, found.sourceProjectId)
  return deps.internal.call(
    testProjectConnectorEndpoint,
    { project_id: found.sourceProjectId, connector_id: found.id, operation: operationOf(path) },
    { timeoutMs: testMs },
  )
}
