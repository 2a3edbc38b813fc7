import { type Caller, projectOf } from '@opsconductor/auth'
import type { Connectivity } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { asProject } from '../acting-project.ts'
import type { Deps } from '../deps.ts'
import { checkNow } from '../monitoring/check-now.ts'
import { connectorToWire } from './connector-to-wire.ts'
import { connectorNotFound } from './find-connector.ts'
import { recordAccess } from './record-access.ts'
import { selectConnector } from './store.ts'

/**
 * Checks a connector of the caller's own project now. That it does not work is an answer; throws `conflict` where it is
 * not active or is changed meanwhile, `too_many_requests`, and `service_unavailable` where nothing could be found out.
 */
export async function testConnector(
  deps: Deps,
  caller: Caller,
  id: string,
  signal: AbortSignal,
): Promise<Connectivity> {
  const projectId = projectOf(caller)
  const asked = await asProject(deps.pool, projectId, async (client) => {
    const found = await selectConnector(client, projectId, id)
    if (found?.projectId !== projectId) throw connectorNotFound()
    if (!found.isActive) throw new AppError('conflict', 'The connector is not active, so nothing may use it.')
    deps.testLimits.ofConnector.take(found.id)
    deps.testLimits.ofProject.take(projectId)
    await recordAccess(client, caller, found, 'test')
    return found
  })
  await checkNow(deps, projectId, asked.id, signal)
  const tested = await asProject(deps.pool, projectId, (client) => selectConnector(client, projectId, id))
  if (tested === undefined) throw connectorNotFound()
  return connectorToWire(projectId)(tested).connectivity
}
