import { isDeepStrictEqual } from 'node:util'
import { type Caller, projectOf } from '@opsconductor/auth'
import type { AnyConnectorKind } from '@opsconductor/connector-kinds'
import type { UpdateConnector } from '@opsconductor/contracts'
import { invalidField } from '@opsconductor/errors'
import type { z } from 'zod'
import { asProject } from '../acting-project.ts'
import type { Deps } from '../deps.ts'
import { kindOf, parseSettings, type Settings } from './connector-kind.ts'
import { connectorNotFound } from './find-connector.ts'
import { nameIsTaken } from './name-is-taken.ts'
import { assertOpens, prepareOpener } from './prepare-opener.ts'
import { recordAccess } from './record-access.ts'
import {
  announceConnector,
  type ConnectorFields,
  type ConnectorRecord,
  forgetConnectivity,
  lockOwnConnector,
  type Opener,
  selectConnector,
  updateConnector as updateRow,
} from './store.ts'

type Request = z.infer<typeof UpdateConnector>

/** Changes what the request names of a connector of the caller's project; its kind stays. */
export async function updateConnector(
  deps: Deps,
  caller: Caller,
  id: string,
  request: Request,
): Promise<ConnectorRecord> {
  const projectId = projectOf(caller)
  const former = await asProject(deps.pool, projectId, (client) => selectConnector(client, projectId, id))
  if (former?.projectId !== projectId) throw connectorNotFound()
  const kind = kindOf(former.kind)
  const settings = request.settings && parseSettings(kind, request.settings)
  const given = await prepareOpener(deps, former, kind, request)
  const updated = await asProject(deps.pool, projectId, async (client) => {
    const current = await lockOwnConnector(client, projectId, id)
    if (current === undefined) throw connectorNotFound()
    const opener = given ?? openerTakenAway(current, request)
    assertStillOpens(kind, current, opener, settings)
    const fields = changedFields(current, request, settings)
    if (isReachedAnew(current, fields, opener)) await forgetConnectivity(client, current.id)
    const changed = await updateRow(client, current, fields, opener)
    await recordAccess(client, caller, changed, 'update')
    await announceConnector(client, changed.id)
    return changed
  }).catch(nameIsTaken(request.name ?? former.name))
  deps.events.connectorUpdated(caller, updated)
  return updated
}

const changedFields = (
  current: ConnectorRecord,
  request: Request,
  settings: Settings | undefined,
): ConnectorFields => ({
  name: request.name ?? current.name,
  displayName: request.display_name ?? current.displayName,
  description: request.description === undefined ? current.description : request.description,
  settings: settings ?? current.settings,
  isActive: request.is_active ?? current.isActive,
  checkEverySeconds:
    request.check_every_seconds === undefined ? current.checkEverySeconds : request.check_every_seconds,
})

/** null takes away what is named; undefined where the connector does not have it. */
function openerTakenAway(current: ConnectorRecord, request: Request): Opener | undefined {
  const isTaken =
    (request.credential_id === null && current.credentialId !== null) ||
    (request.credentials === null && current.hasCredentials)
  return isTaken ? { credentialId: null, sealed: null } : undefined
}

/** `opener` undefined: it stays. */
function assertStillOpens(
  kind: AnyConnectorKind,
  current: ConnectorRecord,
  opener: Opener | undefined,
  settings: Settings | undefined,
): void {
  assertOpens(kind, opener ?? { credentialId: current.credentialId, sealed: current.hasCredentials })
  // Else whoever may write connectors could have secrets sent to himself that nobody may read.
  const isMoved =
    settings !== undefined &&
    kind.address.some((name) => !isDeepStrictEqual(settings[name], current.settings[name]))
  if (isMoved && current.hasCredentials && opener === undefined)
    throw invalidField('body.credentials', 'must be given again where the address changes')
}

/** To say again what was said before changes nothing, so that it is not checked anew each time. */
function isReachedAnew(
  current: ConnectorRecord,
  { settings, isActive, checkEverySeconds }: ConnectorFields,
  opener: Opener | undefined,
): boolean {
  const isOpenedAsBefore =
    opener === undefined ||
    (opener.credentialId !== null && opener.credentialId.toLowerCase() === current.credentialId)
  return !(
    isOpenedAsBefore &&
    isDeepStrictEqual(settings, current.settings) &&
    isActive === current.isActive &&
    checkEverySeconds === current.checkEverySeconds
  )
}
