import type { Caller } from '@opsconductor/auth'
import type { UpdateProjectConnector } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { assertTargetConsents } from './assert-target-consents.ts'
import { doLogged } from './do-logged.ts'
import { findOwnProjectConnector } from './find-project-connector.ts'
import { sealSecret } from './seal-secret.ts'
import { changeProjectConnector, type ProjectConnectorRecord } from './store.ts'

/** Changes what is named. Who may call and how is the target project's matter too. */
export async function updateProjectConnector(
  deps: Deps,
  caller: Caller,
  id: string,
  request: z.infer<typeof UpdateProjectConnector>,
): Promise<ProjectConnectorRecord> {
  const found = await findOwnProjectConnector(deps, caller, id)
  if (request.visibility !== undefined || request.auth_config !== undefined)
    await assertTargetConsents(deps, caller, found.targetProjectId)
  const secret = request.secret_auth_config
  const sealed = secret === undefined || secret === null ? secret : await sealSecret(deps, found, secret)
  const changed = await doLogged(deps, caller, found, 'update', async (client) => {
    const fields = {
      displayName: request.display_name,
      description: request.description,
      visibility: request.visibility,
      authConfig: request.auth_config,
      isActive: request.is_active,
    }
    const record = await changeProjectConnector(client, id, fields, sealed)
    if (record === undefined) throw new AppError('conflict', 'The connector is being deleted.')
    return record
  })
  deps.events.projectConnectorChanged('updated', caller, id)
  return changed
}
