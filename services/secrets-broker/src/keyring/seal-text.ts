import type { openEndpoint, resealEndpoint, sealEndpoint } from '@opsconductor/contracts'
import type { z } from 'zod'
import { type Access, sealedPurpose } from '../access-log/access.ts'
import { readWithAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import type { Place, Sealed } from './cipher.ts'

type Request<Endpoint extends { request: z.ZodType }> = z.infer<Endpoint['request']>
type PlaceOnWire = Pick<Request<typeof sealEndpoint>, 'project_id' | 'table' | 'id'>

const toPlace = ({ project_id, table, id }: PlaceOnWire): Place => ({ table, id, projectId: project_id })
const toWire = ({ ciphertext, keyId }: Sealed) => ({ ciphertext, key_id: keyId })

const accessTo = (place: Place, actor: InternalActor, type: Access['type'], reason?: string): Access => ({
  host: place.table,
  purpose: sealedPurpose,
  type,
  by: actor.caller,
  from: actor.clientAddress,
  projectId: place.projectId,
  credentialUuid: place.id,
  ...(reason === undefined ? {} : { reason }),
})

/** Encrypts a text for a row of another service. */
export const sealText = (deps: Deps, actor: InternalActor, request: Request<typeof sealEndpoint>) =>
  sealAt(deps, actor, toPlace(request), async () => request.plaintext)

/** The same, where the text is worked out first; that this failed is logged too. */
export const sealAt = (deps: Deps, actor: InternalActor, place: Place, textOf: () => Promise<string>) =>
  readWithAccess(deps, accessTo(place, actor, 'create'), async () =>
    toWire(await deps.cipher.seal(place, await textOf())),
  )

/** The text again; throws `decryption_failed` where the ciphertext is another row's or was changed. */
export const openText = (deps: Deps, actor: InternalActor, request: Request<typeof openEndpoint>) =>
  readWithAccess(deps, accessTo(toPlace(request), actor, 'read', request.reason), async () => ({
    plaintext: await deps.cipher.open(toPlace(request), {
      ciphertext: request.ciphertext,
      keyId: request.key_id,
    }),
  }))

/** The same text under the project's present data key; nobody sees it. */
export const resealText = (deps: Deps, actor: InternalActor, request: Request<typeof resealEndpoint>) =>
  readWithAccess(deps, accessTo(toPlace(request), actor, 'update'), async () => {
    const place = toPlace(request)
    const plaintext = await deps.cipher.open(place, {
      ciphertext: request.ciphertext,
      keyId: request.key_id,
    })
    return toWire(await deps.cipher.seal(place, plaintext))
  })
