import { randomUUID } from 'node:crypto'
import { type KeyRotation, keyringTopics, type StartKeyRotation } from '@opsconductor/contracts'
import { copyKey, type MasterKey, openEnvironmentKey } from '@opsconductor/crypto'
import { invalidField } from '@opsconductor/errors'
import { publishEvent } from '@opsconductor/events'
import type pg from 'pg'
import type { z } from 'zod'
import { type Access, keyringHost } from '../access-log/access.ts'
import { changeWithAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import { canaryAad, canaryText } from './canary.ts'
import { toKeyServiceError } from './cipher.ts'
import { type KeyUse, keyUses } from './master-keys.ts'
import { countByKey, insertRotation, selectSample, switchMasterKeys } from './rotation-store.ts'
import type { MasterKeyRow } from './store.ts'

/** How many ciphertexts are opened with the old key before anything is changed. */
const trialsMax = 1_000

/**
 * Makes another master key the current one, for every use that the present key serves, and begins to re-encrypt what is
 * under the present one. Resolves when new writes use the new key; the rest goes on in the background.
 */
export async function startRotation(
  deps: Deps,
  actor: InternalActor,
  request: z.infer<typeof StartKeyRotation>,
): Promise<KeyRotation[]> {
  const access: Access = {
    host: keyringHost,
    purpose: 'rotation',
    type: 'update',
    by: actor.caller,
    from: actor.clientAddress,
  }
  const rotations = await changeWithAccess(
    deps,
    access,
    async (client, switches) => {
      const begun: KeyRotation[] = []
      for (const one of switches) begun.push(await switchKey(client, one, actor.caller))
      return begun
    },
    () => prepareSwitches(deps, access, request).catch(toKeyServiceError),
  )
  await deps.keyring.reload()
  for (const { id } of rotations) deps.rotations.run(id)
  return rotations
}

export interface KeySwitch {
  keyUse: KeyUse
  from: Pick<MasterKeyRow, 'keyUse' | 'keyId' | 'copy'>
  to: Omit<MasterKeyRow, 'state'>
}

/** In the caller's transaction: the switch, its rotation, and word of it to every broker. */
export async function switchKey(
  client: pg.PoolClient,
  { keyUse, from, to }: KeySwitch,
  by: string,
): Promise<KeyRotation> {
  const { rows, dataKeys } = await countByKey(client, keyUse)
  const total = [...rows, ...dataKeys].reduce((sum, [keyId, n]) => (keyId === to.keyId ? sum : sum + n), 0)
  await switchMasterKeys(client, from, to)
  const rotation = await insertRotation(client, {
    id: randomUUID(),
    key_use: keyUse,
    from_key_id: from.keyId,
    to_key_id: to.keyId,
    rows_total: total,
    started_by: by,
  })
  await publishEvent(client, {
    topic: keyringTopics.masterKeyChanged,
    key: keyUse,
  })
  return rotation
}

/**
 * What the database has to be told to make `to` the current key of the use. `root` is a key that opens the service now:
 * with it, `to` opens at the next start, and with `to` every other key does, however many rotations there were between
 * two starts.
 */
export async function describeSwitch(
  keyUse: KeyUse,
  from: MasterKey,
  to: MasterKey,
  root = from,
): Promise<KeySwitch> {
  const [canary, copyOfTo, copyOfFrom] = await Promise.all([
    to.wrap(Buffer.from(canaryText), canaryAad(keyUse)),
    copyKey(to, root),
    copyKey(from, to),
  ])
  const copy = (wrapped: string | undefined, by: MasterKey) =>
    wrapped === undefined ? undefined : { wrapped, by: by.id }
  return {
    keyUse,
    from: { keyUse, keyId: from.id, copy: copy(copyOfFrom, to) },
    to: { keyUse, keyId: to.id, provider: to.provider, canary, copy: copy(copyOfTo, root) },
  }
}

async function prepareSwitches(
  deps: Deps,
  access: Access,
  request: z.infer<typeof StartKeyRotation>,
): Promise<KeySwitch[]> {
  const { keyring } = deps
  // Another process may have rotated or destroyed keys a moment ago.
  await keyring.reload()
  const old = request.old_key === undefined ? undefined : await openEnvironmentKey(request.old_key)
  const uses = keyUses.filter((keyUse) => {
    const current = keyring.current(keyUse)
    return old === undefined ? current.local === undefined : current.id === old.id
  })
  if (uses.length === 0)
    throw refuse(
      'old_key',
      'is not a master key that is in use; GET /internal/secrets/keyring names their ids',
    )
  const switches: KeySwitch[] = []
  for (const keyUse of uses) {
    const from = keyring.current(keyUse)
    const to = await nextKey(deps, keyUse, request)
    if (to.id === from.id)
      throw refuse(request.new_key === undefined ? 'to_provider' : 'new_key', 'is the present key')
    await tryOldKey(deps, keyUse)
    switches.push(await describeSwitch(keyUse, from, to, rootOf(deps, keyUse, to)))
    access.reason = `from ${from.id} to ${to.id}`
  }
  return switches
}

/** A key of the configuration that is in use, other than `to`; undefined where the present key is the only one left. */
export const rootOf = ({ keyring, configuredKeys }: Deps, keyUse: KeyUse, to: MasterKey) =>
  keyring
    .masters(keyUse)
    .find(({ id }) => id !== to.id && configuredKeys[keyUse].some((key) => key.id === id))

async function nextKey(
  { configuredKeys }: Deps,
  keyUse: KeyUse,
  { new_key, to_provider }: z.infer<typeof StartKeyRotation>,
): Promise<MasterKey> {
  if (new_key !== undefined) return openEnvironmentKey(new_key)
  const key = configuredKeys[keyUse].find(({ provider }) => provider === to_provider)
  if (key === undefined) throw refuse('to_provider', 'is not configured: set its variables and restart first')
  return key
}

/** Nothing is begun that the present key cannot carry through. */
async function tryOldKey({ pool, hostCipher, keyring }: Deps, keyUse: KeyUse): Promise<void> {
  await keyring.check()
  if (keyUse !== 'host_credentials') return
  for (const row of await selectSample(pool, trialsMax)) await hostCipher.decrypt(row)
}

const refuse = (field: string, message: string) => invalidField(`body.${field}`, message)
