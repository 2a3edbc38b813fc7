import { randomUUID } from 'node:crypto'
import { type Caller, callerLabel, projectOf } from '@opsconductor/auth'
import type { CreateConnector } from '@opsconductor/contracts'
import { isForeignKeyViolation } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import { asProject } from '../acting-project.ts'
import type { Deps } from '../deps.ts'
import { kindOf, parseSettings } from './connector-kind.ts'
import { nameIsTaken } from './name-is-taken.ts'
import { assertOpens, prepareOpener } from './prepare-opener.ts'
import { recordAccess } from './record-access.ts'
import { announceConnector, type ConnectorRecord, insertConnector, type NewConnector } from './store.ts'

/** Stores a connector of the caller's project; what opens it stays with the broker, or comes sealed from it. */
export async function createConnector(
  deps: Deps,
  caller: Caller,
  request: z.infer<typeof CreateConnector>,
): Promise<ConnectorRecord> {
  const place = { id: randomUUID(), projectId: projectOf(caller) }
  const kind = kindOf(request.kind)
  const settings = parseSettings(kind, request.settings)
  const opener = (await prepareOpener(deps, place, kind, request)) ?? { credentialId: null, sealed: null }
  assertOpens(kind, opener)
  const created = await insert(deps, caller, {
    ...place,
    name: request.name,
    displayName: request.display_name ?? request.name,
    description: request.description,
    kind: request.kind,
    settings,
    opener,
    isActive: request.is_active,
    checkEverySeconds: request.check_every_seconds,
    createdBy: callerLabel(caller),
  })
  deps.events.connectorCreated(caller, created)
  return created
}

const insert = ({ pool }: Deps, caller: Caller, connector: NewConnector): Promise<ConnectorRecord> =>
  asProject(pool, connector.projectId, async (client) => {
    const created = await insertConnector(client, connector)
    await recordAccess(client, caller, created, 'create')
    await announceConnector(client, created.id)
    return created
  }).catch((error: unknown) => {
    if (isForeignKeyViolation(error)) throw new AppError('not_found', 'There is no such project (any more).')
    return nameIsTaken(connector.name)(error)
  })
