import { setTimeout as delay } from 'node:timers/promises'
import { type KeyRotation, keyringTopics, type RotationProof } from '@opsconductor/contracts'
import { encrypt } from '@opsconductor/crypto'
import { transaction } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import { publishEvent } from '@opsconductor/events'
import type pg from 'pg'
import { keyringHost } from '../access-log/access.ts'
import type { AccessLog } from '../access-log/access-log.ts'
import type { Events } from '../events.ts'
import type { HostCipher } from './cipher.ts'
import type { Keyring } from './keyring.ts'
import {
  countByKey,
  endRotation,
  replaceCiphertexts,
  replaceWrap,
  selectDataKeysNotUnder,
  selectRotation,
  selectRotations,
  selectRowsNotUnder,
  selectSample,
  updateRotationError,
} from './rotation-store.ts'

interface RotationDeps {
  pool: pg.Pool
  keyring: Keyring
  hostCipher: HostCipher
  accessLog: AccessLog
  events: Events
}

export interface Rotations {
  /** Carries a rotation on in the background until it has ended, whatever comes between. */
  run(id: string): void
  /** Those that a former process began. */
  resume(): Promise<void>
  stop(): Promise<void>
}

const batchRows = 250
const sampleMax = 1_000
const retryMs = { first: 1_000, most: 30_000 }

/** Re-encrypts what is not under the current master key. Any number of processes may do so at once. */
export function createRotations(deps: RotationDeps): Rotations {
  const stopping = new AbortController()
  const running = new Map<string, Promise<void>>()

  async function carryOn(id: string): Promise<void> {
    for (let waitMs = retryMs.first; !stopping.signal.aborted; waitMs = Math.min(waitMs * 2, retryMs.most)) {
      try {
        return await rotate(deps, id, stopping.signal)
      } catch (error) {
        if (stopping.signal.aborted) return
        deps.events.rotationStuck(id, error)
        await updateRotationError(deps.pool, id, (error as Error).message).catch(() => {})
        await delay(waitMs, undefined, { signal: stopping.signal }).catch(() => {})
      }
    }
  }

  function run(id: string): void {
    if (running.has(id)) return
    running.set(
      id,
      carryOn(id).finally(() => running.delete(id)),
    )
  }

  return {
    run,
    async resume() {
      for (const { id, state } of await selectRotations(deps.pool)) if (state === 'running') run(id)
    },
    async stop() {
      stopping.abort()
      await Promise.all(running.values())
    },
  }
}

async function rotate(deps: RotationDeps, id: string, stopping: AbortSignal): Promise<void> {
  const rotation = await selectRotation(deps.pool, id)
  if (rotation?.state !== 'running') return
  await rewrapDataKeys(deps, rotation, stopping)
  if (rotation.key_use === 'host_credentials') await reEncryptRows(deps, rotation, stopping)
  const proof = await prove(deps, rotation)
  if (proof.on_other_keys > 0) throw new Error(`${proof.on_other_keys} rows are still under another key`)
  await complete(deps, rotation, proof)
}

async function rewrapDataKeys(
  { pool, keyring }: RotationDeps,
  { id, key_use, to_key_id }: KeyRotation,
  stopping: AbortSignal,
): Promise<void> {
  for (;;) {
    const keys = await selectDataKeysNotUnder(pool, key_use, to_key_id, batchRows)
    if (keys.length === 0) return
    for (const key of keys) {
      stopping.throwIfAborted()
      await replaceWrap(pool, id, key, await keyring.rewrap(key_use, key, to_key_id))
    }
  }
}

async function reEncryptRows(
  { pool, keyring, hostCipher }: RotationDeps,
  { id }: KeyRotation,
  stopping: AbortSignal,
): Promise<void> {
  const { id: keyId, key } = await keyring.hostKey()
  const damaged: number[] = []
  // The next batch is read and encrypted while the one before it is written.
  let written = Promise.resolve()
  for (let after = 0; ; ) {
    stopping.throwIfAborted()
    const rows = await selectRowsNotUnder(pool, keyId, after, batchRows)
    const last = rows.at(-1)
    if (last === undefined) break
    after = last.id
    const replacements = []
    for (const row of rows) {
      const opened = await hostCipher.decrypt(row).catch((error: unknown) => {
        if (error instanceof AppError && error.code === 'decryption_failed') return undefined
        throw error
      })
      if (opened === undefined) damaged.push(row.id)
      else replacements.push({ id: row.id, old: row.ciphertext, new: encrypt(key, opened) })
    }
    await written
    if (replacements.length > 0) written = replaceCiphertexts(pool, id, keyId, replacements)
    // Awaited in the next round, where it is thrown.
    written.catch(() => {})
  }
  await written
  if (damaged.length > 0)
    throw new Error(
      `${damaged.length} host credentials do not decrypt and keep the old key in use; write or delete them anew. Ids: ${damaged.slice(0, 20).join(', ')}`,
    )
}

/** Counts what is under which key, and opens some of it. */
async function prove(
  { pool, keyring, hostCipher }: RotationDeps,
  { key_use, to_key_id }: KeyRotation,
): Promise<RotationProof> {
  const { rows, dataKeys } = await countByKey(pool, key_use)
  const rowKeyId = key_use === 'host_credentials' ? (await keyring.hostKey()).id : to_key_id
  const newRows = rows.get(rowKeyId) ?? 0
  const newDataKeys = dataKeys.get(to_key_id) ?? 0
  const sum = (counts: ReadonlyMap<unknown, number>) => [...counts.values()].reduce((a, b) => a + b, 0)
  const sample = key_use === 'host_credentials' ? await selectSample(pool, sampleMax) : []
  for (const row of sample) await hostCipher.decrypt(row)
  const sampledKeys = await keyring.openSample(key_use, sampleMax)
  return {
    on_new_key: newRows + newDataKeys,
    on_other_keys: sum(rows) - newRows + sum(dataKeys) - newDataKeys,
    sampled: sample.length + sampledKeys,
  }
}

async function complete(
  { pool, accessLog, events }: RotationDeps,
  rotation: KeyRotation,
  proof: RotationProof,
): Promise<void> {
  await transaction(pool, async (client) => {
    if (!(await endRotation(client, rotation.id, 'completed', proof))) return
    await publishEvent(client, {
      topic: keyringTopics.masterKeyChanged,
      key: rotation.key_use,
    })
    await accessLog.appendIn(client, {
      host: keyringHost,
      purpose: 'rotation',
      type: 'update',
      by: rotation.started_by,
      from: '',
      reason: `completed: ${proof.on_new_key} under ${rotation.to_key_id}, none left`,
    })
  })
  events.rotationCompleted(rotation, proof)
}
