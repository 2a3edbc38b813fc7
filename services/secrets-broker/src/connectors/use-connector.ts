import { Id, type LentCredential, type LentToConnector, type UseCredential } from '@opsconductor/contracts'
import { AppError, invalidField } from '@opsconductor/errors'
import { type Access, connectorPurpose, readAccess } from '../access-log/access.ts'
import { readWithAccess } from '../access-log/record-access.ts'
import { openSecret } from '../credentials/credential-secret.ts'
import { assertNotExpired } from '../credentials/expiry.ts'
import { credentialNotFound, findSealedCredential } from '../credentials/find-credential.ts'
import { lendCredential } from '../credentials/lend-credential.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import { type Borrower, findBorrower, permitWithin } from '../runs/assert-may-use.ts'
import { type BoundConnector, bindConnector } from './bind-connector.ts'
import { connectorPlace, openConnectorSecret } from './connector-secret.ts'

/** Lends what opens a connector to one step of one run, or to a check that the registry began. */
export function useConnector(
  deps: Deps,
  actor: InternalActor,
  id: string,
  request: UseCredential,
): Promise<LentToConnector> {
  const { check_id: checkId } = request
  if (request.operation_id !== undefined)
    throw invalidField('body.operation_id', 'must be left out: connectors are not lent to operations')
  const access: Access = {
    host: id,
    purpose: connectorPurpose,
    ...readAccess(actor, request),
    ...(checkId === undefined ? {} : { reason: `check of connector ${id}` }),
  }
  return readWithAccess(deps, access, async () => {
    const borrower = checkId === undefined ? await findBorrower(deps.pinnedRuns, request) : undefined
    if (borrower !== undefined) assertNamesConnector(borrower, id)
    const bound = await bindConnector(deps.internal, id, request)
    access.host = bound.name
    access.reason ??= `connector ${id} of project ${bound.project_id}`
    if (borrower !== undefined) assertNamesBound(borrower, bound)
    const lent =
      bound.sealed === null
        ? await lendReferenced(deps, actor, { bound, borrower, access })
        : await lendOwn(deps, actor, { id, bound, access, sealed: bound.sealed })
    return { ...lent, connector_version: bound.version }
  })
}

/** The credential of the connector's project that it refers to, within that one's own limits. */
async function lendReferenced(
  deps: Deps,
  actor: InternalActor,
  { bound, borrower, access }: { bound: BoundConnector; borrower: Borrower | undefined; access: Access },
): Promise<LentCredential> {
  if (bound.credential_id === null) throw credentialNotFound()
  const found = await findSealedCredential(deps, bound.project_id, bound.credential_id)
  access.credentialUuid = found.id
  assertNotExpired(found, deps.now())
  const open = () => openSecret(deps.cipher, found, found.secret)
  return lendCredential(deps, actor, { ...found, open }, permitWithin(found.limits, borrower))
}

interface Own {
  id: string
  bound: BoundConnector
  sealed: NonNullable<BoundConnector['sealed']>
  access: Access
}

async function lendOwn(
  deps: Deps,
  actor: InternalActor,
  { id, bound, sealed, access }: Own,
): Promise<LentCredential> {
  access.credentialUuid = id
  const { project_id: projectId, name } = bound
  const { secret, ...own } = await openConnectorSecret(deps.cipher, connectorPlace(id, projectId), {
    keyId: sealed.key_id,
    ciphertext: sealed.ciphertext,
  })
  assertNotExpired(own, deps.now())
  const open = async () => secret
  return lendCredential(deps, actor, { id, projectId, name, ...own, open }, permitWithin({}))
}

const isId = (reference: string): boolean => Id.safeParse(reference).success

/** Before the registry is asked, which logs a use. */
function assertNamesConnector({ step: { connector } }: Borrower, id: string): void {
  if (connector === undefined || (isId(connector) && connector.toLowerCase() !== id)) throw notNamed()
}

/** A name is one of the run's own project; another's connector is named by its id. */
function assertNamesBound({ run, step: { connector = '' } }: Borrower, bound: BoundConnector): void {
  if (isId(connector)) return
  const isOwn = run.project_id.toLowerCase() === bound.project_id.toLowerCase()
  if (!isOwn || connector !== bound.name) throw notNamed()
}

const notNamed = () => new AppError('forbidden', 'The step does not name this connector.')
