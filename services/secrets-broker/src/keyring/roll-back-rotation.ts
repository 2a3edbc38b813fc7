import type { KeyRotation } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { type Access, keyringHost } from '../access-log/access.ts'
import { changeWithAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import { toKeyServiceError } from './cipher.ts'
import { endRotation, selectRotation } from './rotation-store.ts'
import { describeSwitch, type KeySwitch, rootOf, switchKey } from './start-rotation.ts'

/** Makes the former key current again; what was re-encrypted is brought back by a rotation the other way. */
export async function rollBackRotation(deps: Deps, actor: InternalActor, id: string): Promise<KeyRotation> {
  const access: Access = {
    host: keyringHost,
    purpose: 'rotation',
    type: 'update',
    by: actor.caller,
    from: actor.clientAddress,
    reason: `rollback of ${id}`,
  }
  const back = await changeWithAccess(
    deps,
    access,
    async (client, keySwitch) => {
      if (!(await endRotation(client, id, 'rolled_back', null)))
        throw new AppError('conflict', 'The rotation was rolled back already.')
      return switchKey(client, keySwitch, actor.caller)
    },
    () => prepareBack(deps, id).catch(toKeyServiceError),
  )
  await deps.keyring.reload()
  deps.rotations.run(back.id)
  return back
}

async function prepareBack(deps: Deps, id: string): Promise<KeySwitch> {
  const rotation = await selectRotation(deps.pool, id)
  if (rotation === undefined) throw new AppError('not_found', 'There is no such rotation.')
  await deps.keyring.reload()
  const masters = deps.keyring.masters(rotation.key_use)
  const from = masters.find((key) => key.id === rotation.to_key_id)
  const to = masters.find((key) => key.id === rotation.from_key_id)
  if (from !== masters[0] || from === undefined || to === undefined)
    throw new AppError(
      'conflict',
      'It cannot be rolled back: its new key is not the current one any more, or its old key is destroyed. Rotate to the old key instead.',
    )
  return describeSwitch(rotation.key_use, from, to, rootOf(deps, rotation.key_use, to))
}
