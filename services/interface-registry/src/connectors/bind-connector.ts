import type { bindConnectorEndpoint, InternalCaller, UseCredential } from '@opsconductor/contracts'
import type { z } from 'zod'
import { asProject } from '../acting-project.ts'
import type { Deps } from '../deps.ts'
import { insertAccess } from './access-store.ts'
import { type BindableConnector, selectBindable } from './store.ts'

type Answer = z.infer<typeof bindConnectorEndpoint.answer>

/** What opens a connector, for the broker to lend. The log has the use, or the refusal, before it is answered. */
export async function bindConnector(
  { pool, events }: Deps,
  caller: InternalCaller,
  id: string,
  use: UseCredential,
): Promise<Answer> {
  const projectId = use.project_id.toLowerCase()
  const answer = await asProject(pool, projectId, async (client): Promise<Answer> => {
    const found = await selectBindable(client, projectId, id)
    const refusal = refusalOf(found, projectId, use)
    await insertAccess(client, {
      connectorId: id,
      connector: found?.name ?? id,
      ownerProjectId: found?.projectId,
      usedByProjectId: projectId,
      actor: caller,
      action: 'use',
      runId: use.run_id,
      stepId: use.step_id,
      success: refusal === undefined,
      reason: refusal ?? (use.check_id && `check ${use.check_id}`),
    })
    return refusal === undefined ? bound(found as BindableConnector) : { allowed: false, reason: refusal }
  })
  events.connectorUsed(id, answer.allowed ? undefined : answer.reason)
  return answer
}

function refusalOf(
  found: BindableConnector | undefined,
  projectId: string,
  { check_id }: UseCredential,
): string | undefined {
  if (found === undefined) return 'The project has no such connector, and none is shared with it.'
  if (!found.isActive) return 'The connector is not active.'
  if (found.credentialId === null && found.sealed === null) return 'The connector has nothing that opens it.'
  if (check_id === undefined) return undefined
  const isUnderWay = found.projectId === projectId && found.checkId === check_id.toLowerCase()
  return isUnderWay ? undefined : 'No such check of the connector is under way.'
}

const bound = ({ version, projectId, name, credentialId, sealed }: BindableConnector): Answer => ({
  allowed: true,
  version,
  project_id: projectId,
  name,
  credential_id: credentialId,
  sealed: sealed && { ciphertext: sealed.ciphertext, key_id: sealed.keyId },
})
