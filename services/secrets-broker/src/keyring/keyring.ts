import { createSecretKey, type KeyObject, randomBytes, randomUUID } from 'node:crypto'
import { DecryptionError, type MasterKey, openCopiedKey } from '@opsconductor/crypto'
import { isForeignKeyViolation } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import { ConfigError } from '@opsconductor/service-kit'
import type pg from 'pg'
import { canaryAad, canaryText, opensCanary } from './canary.ts'
import { type ConfiguredKeys, type KeyUse, keyUses } from './master-keys.ts'
import { destroyUnusedKeys } from './rotation-store.ts'
import {
  type DataKeyRow,
  insertDataKey,
  insertFirstMasterKey,
  type MasterKeyRow,
  selectCurrentDataKey,
  selectDataKey,
  selectDataKeySample,
  selectMasterKeys,
  useOf,
} from './store.ts'

/** A key that encrypts rows, and what rows call it. */
export interface RowKey {
  id: string
  key: KeyObject
}

export interface Keyring {
  /** The master key that a use's new rows, or new data keys, are encrypted with. */
  current(keyUse: KeyUse): MasterKey
  /** Every master key of the use that opens something, the current one first. */
  masters(keyUse: KeyUse): MasterKey[]
  /** What encrypts host credentials now: the master key itself, in the seed's format, or a data key where it never leaves its provider. */
  hostKey(): Promise<RowKey>
  /** What encrypts for the project now; made at its first use. Throws `not_found` where there is no such project. */
  projectKey(projectId: string): Promise<RowKey>
  /** The key of a row. Throws DecryptionError where there is none of that id. */
  rowKey(id: string): Promise<KeyObject>
  /** Once, before anything is written. Throws ConfigError where a configured key is not the one that encrypted what is stored. */
  load(): Promise<void>
  /** Reads again which master keys there are, after a rotation has changed them; false, and nothing is read, before `load`. */
  reload(executor?: pg.PoolClient): Promise<boolean>
  /** The data key, wrapped by the master key `masterKeyId` in the place of the one that wraps it. */
  rewrap(
    keyUse: KeyUse,
    row: DataKeyRow,
    masterKeyId: string,
  ): Promise<{ masterKeyId: string; wrapped: string }>
  /** Opens up to `limit` data keys of the use, anew, and answers how many; throws where one does not open. */
  openSample(keyUse: KeyUse, limit: number): Promise<number>
  /** Throws where a master key that is in use cannot be used now. */
  check(): Promise<void>
}

interface Masters {
  current: MasterKey
  all: Map<string, MasterKey>
}

const dataKeyBytes = 32
const dataKeyAad = (projectId: string | null, id: string) =>
  JSON.stringify(['secrets.data_keys', id, projectId])

/** The keys of the service. `sourceOf` says in messages where a use's configured key comes from. */
export function createKeyring(
  pool: pg.Pool,
  configured: ConfiguredKeys,
  sourceOf: (keyUse: KeyUse) => string,
): Keyring {
  let loaded: Record<KeyUse, Masters> | undefined
  // One entry for each project that was used: the ids of 100,000 projects and their keys are some 50 MB.
  const dataKeys = new Map<string, KeyObject>()
  const currentOf = new Map<string | null, RowKey>()

  const mastersOf = (keyUse: KeyUse): Masters => {
    if (loaded === undefined)
      throw new AppError('service_unavailable', 'The keys are not loaded yet.', { retryAfterSeconds: 2 })
    return loaded[keyUse]
  }

  async function load(executor: pg.Pool | pg.PoolClient = pool): Promise<void> {
    const rows = await selectMasterKeys(executor)
    const next = {} as Record<KeyUse, Masters>
    for (const keyUse of keyUses) {
      const ofUse = rows.filter((row) => row.keyUse === keyUse)
      next[keyUse] = await openMasters(
        ofUse,
        // Also those that were opened before: another process may have destroyed what opened them here.
        [...configured[keyUse], ...(loaded?.[keyUse].all.values() ?? [])],
        `${sourceOf(keyUse)} is not the key that encrypted the stored ${keyUse}`,
      )
    }
    loaded = next
    currentOf.clear()
  }

  async function loadFirst(): Promise<void> {
    for (const keyUse of keyUses) {
      const first = configured[keyUse][0]
      if (first === undefined) continue
      const canary = await first.wrap(Buffer.from(canaryText), canaryAad(keyUse))
      await insertFirstMasterKey(pool, { keyUse, keyId: first.id, provider: first.provider, canary })
    }
    await load()
    for (const keyUse of keyUses)
      if (configured[keyUse].some(({ id }) => id === mastersOf(keyUse).current.id))
        await destroyUnusedKeys(pool, keyUse)
    await assertAllOpen()
  }

  async function assertAllOpen(): Promise<void> {
    for (const { keyUse, keyId, provider } of await selectMasterKeys(pool))
      if (!mastersOf(keyUse).all.has(keyId))
        throw new ConfigError(
          `the key ${keyId} (${provider}), which still encrypts some of ${keyUse}, is not configured`,
        )
  }

  async function unwrapDataKey({ id, projectId, masterKeyId, wrapped }: DataKeyRow): Promise<Buffer> {
    const master = mastersOf(useOf(projectId)).all.get(masterKeyId)
    if (master === undefined)
      throw new DecryptionError('The master key of the data key is not in the keyring.')
    return master.unwrap(wrapped, dataKeyAad(projectId, id))
  }

  async function openDataKey(row: DataKeyRow): Promise<KeyObject> {
    const known = dataKeys.get(row.id)
    if (known !== undefined) return known
    const bytes = await unwrapDataKey(row)
    const key = createSecretKey(bytes)
    bytes.fill(0)
    dataKeys.set(row.id, key)
    return key
  }

  async function currentDataKey(projectId: string | null): Promise<RowKey> {
    const known = currentOf.get(projectId)
    if (known !== undefined) return known
    const row = (await selectCurrentDataKey(pool, projectId)) ?? (await makeDataKey(projectId))
    const current = { id: row.id, key: await openDataKey(row) }
    currentOf.set(projectId, current)
    return current
  }

  async function makeDataKey(projectId: string | null): Promise<DataKeyRow> {
    const master = mastersOf(useOf(projectId)).current
    const id = randomUUID()
    const bytes = randomBytes(dataKeyBytes)
    const wrapped = await master.wrap(bytes, dataKeyAad(projectId, id)).finally(() => bytes.fill(0))
    await insertDataKey(pool, { id, projectId, masterKeyId: master.id, wrapped }).catch((error: unknown) => {
      throw isForeignKeyViolation(error)
        ? new AppError('not_found', 'There is no such project (any more).')
        : error
    })
    const made = await selectCurrentDataKey(pool, projectId)
    if (made !== undefined) return made
    await load()
    return makeDataKey(projectId)
  }

  return {
    load: loadFirst,
    async reload(executor) {
      if (loaded === undefined) return false
      await load(executor)
      return true
    },
    current: (keyUse) => mastersOf(keyUse).current,
    masters(keyUse) {
      const { current, all } = mastersOf(keyUse)
      return [current, ...[...all.values()].filter((key) => key !== current)]
    },
    async hostKey() {
      const { id, local } = mastersOf('host_credentials').current
      return local === undefined ? currentDataKey(null) : { id, key: local }
    },
    projectKey: (projectId) => currentDataKey(projectId),
    async rowKey(id) {
      const known = mastersOf('host_credentials').all.get(id)?.local ?? dataKeys.get(id)
      if (known !== undefined) return known
      const row = isUuid.test(id) ? await selectDataKey(pool, id) : undefined
      if (row === undefined) throw new DecryptionError('The key of the ciphertext is not in the keyring.')
      return openDataKey(row)
    },
    async rewrap(keyUse, row, masterKeyId) {
      const master = mastersOf(keyUse).all.get(masterKeyId)
      if (master === undefined) throw new DecryptionError('The new master key is not in the keyring.')
      const bytes = await unwrapDataKey(row)
      const wrapped = await master.wrap(bytes, dataKeyAad(row.projectId, row.id)).finally(() => bytes.fill(0))
      return { masterKeyId, wrapped }
    },
    async openSample(keyUse, limit) {
      const rows = await selectDataKeySample(pool, keyUse, limit)
      for (const row of rows) (await unwrapDataKey(row)).fill(0)
      return rows.length
    },
    async check() {
      const rows = (await selectMasterKeys(pool)).filter(({ state }) => state === 'current')
      // A rotation has changed it a moment ago, and word of it is still on its way here.
      if (rows.some(({ keyUse, keyId }) => !mastersOf(keyUse).all.has(keyId))) await load()
      for (const keyUse of keyUses) {
        const row = rows.find((one) => one.keyUse === keyUse)
        const master = row && mastersOf(keyUse).all.get(row.keyId)
        if (row === undefined || master === undefined || !(await opensCanary(master, row)))
          throw new ConfigError(`the current master key of ${keyUse} does not open its canary`)
      }
    },
  }
}

const isUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The keys of one use: those that are configured, and those whose bytes one of these opens. */
async function openMasters(
  rows: readonly MasterKeyRow[],
  configured: readonly MasterKey[],
  refusal: string,
): Promise<Masters> {
  const all = new Map<string, MasterKey>()
  for (const row of rows) {
    const key = configured.find(({ id }) => id === row.keyId)
    if (key !== undefined && (await opensCanary(key, row))) all.set(row.keyId, key)
  }
  // Each round may open what the next one needs: two rotations one after the other leave a chain of copies.
  for (let before = -1; before < all.size; ) {
    before = all.size
    for (const { keyId, provider, copy } of rows) {
      const by = copy === undefined ? undefined : all.get(copy.by)
      if (all.has(keyId) || copy === undefined || by === undefined) continue
      all.set(keyId, await openCopiedKey({ id: keyId, provider, wrapped: copy.wrapped }, by))
    }
  }
  const currentRow = rows.find(({ state }) => state === 'current')
  const current = currentRow && all.get(currentRow.keyId)
  if (current === undefined)
    throw new ConfigError(
      `${refusal}: it has the id ${configured[0]?.id ?? 'none'}, they were encrypted with ${currentRow?.keyId ?? 'none'}`,
    )
  return { current, all }
}
