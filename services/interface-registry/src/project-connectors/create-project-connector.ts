import { randomUUID } from 'node:crypto'
import { type Caller, projectOf } from '@opsconductor/auth'
import type { CreateProjectConnector } from '@opsconductor/contracts'
import { isForeignKeyViolation, refuseTaken } from '@opsconductor/database'
import { invalidField } from '@opsconductor/errors'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { awaitUntil } from '../leadership/await-until.ts'
import { assertTargetConsents } from './assert-target-consents.ts'
import { doLogged } from './do-logged.ts'
import { sealSecret } from './seal-secret.ts'
import {
  insertProjectConnector,
  type NewProjectConnector,
  type ProjectConnectorRecord,
  type SealedText,
  selectInterfacePlace,
  selectProjectConnector,
} from './store.ts'

type Request = z.infer<typeof CreateProjectConnector>

/**
 * A call path to one interface of another project. Answered as `ready` where its Nexus endpoint was made in time, else
 * as `pending`.
 */
export async function createProjectConnector(
  deps: Deps,
  caller: Caller,
  request: Request,
): Promise<ProjectConnectorRecord> {
  const sourceProjectId = projectOf(caller)
  const targetProjectId = request.target_project_id.toLowerCase()
  if (targetProjectId === sourceProjectId)
    throw invalidField('body.target_project_id', 'must be another project')
  const person = await assertTargetConsents(deps, caller, targetProjectId)
  await assertTarget(deps, targetProjectId, request)
  const fresh: NewProjectConnector = {
    id: randomUUID(),
    sourceProjectId,
    targetProjectId,
    targetServiceId: request.target_service_id,
    targetInterfaceId: request.target_interface_id,
    name: request.name,
    displayName: request.display_name ?? request.name,
    description: request.description,
    visibility: request.visibility,
    authConfig: request.auth_config,
    createdBy: person.userId,
  }
  const secret = request.secret_auth_config
  const sealed = secret === null ? null : await sealSecret(deps, fresh, secret)
  const created = await insert(deps, caller, fresh, sealed)
  deps.events.projectConnectorChanged('created', caller, created.id)
  return awaitEndpoint(deps, created)
}

async function assertTarget({ pool }: Deps, targetProjectId: string, request: Request): Promise<void> {
  const place = await selectInterfacePlace(pool, request.target_interface_id)
  if (place?.projectId !== targetProjectId)
    throw invalidField('body.target_interface_id', 'is not an interface of the target project')
  if (place.workflowId !== request.target_service_id.toLowerCase())
    throw invalidField('body.target_service_id', 'is not the workflow of the target interface')
}

async function insert(
  deps: Deps,
  caller: Caller,
  fresh: NewProjectConnector,
  sealed: SealedText | null,
): Promise<ProjectConnectorRecord> {
  try {
    return await doLogged(deps, caller, fresh, 'create', (client) =>
      insertProjectConnector(client, fresh, sealed),
    )
  } catch (error) {
    if (isForeignKeyViolation(error))
      throw invalidField('body.target_interface_id', 'is not an interface of the target project (any more)')
    return refuseTaken(`The project has a connector named ${fresh.name}, or is deleting it.`, {
      message: 'is taken in this project',
    })(error)
  }
}

async function awaitEndpoint(
  { pool, config }: Deps,
  created: ProjectConnectorRecord,
): Promise<ProjectConnectorRecord> {
  let latest = created
  await awaitUntil(async () => {
    latest = (await selectProjectConnector(pool, created.sourceProjectId, created.id)) ?? latest
    return latest.state !== 'pending' || latest.lastError !== null
  }, config.PUBLISH_WAIT_SECONDS)
  return latest
}
