import { randomUUID } from 'node:crypto'
import { createLog, listen } from '@opsconductor/service-kit'
import { createTestDatabase, startApiKeyPeer, testInternalKey } from '@opsconductor/test-peers'
import pg from 'pg'
import { createApps } from '../src/app.ts'
import { readBrokerConfig } from '../src/config.ts'
import { createDeps } from '../src/deps.ts'
import type { KeyUse } from '../src/keyring/master-keys.ts'
import { startExecutorPeer } from './executor-peer.ts'
import { credKey, kmsKey, send } from './running-broker.ts'

export type ModelledBroker = Awaited<ReturnType<typeof startModelledBroker>>
export type MasterKeys = Record<KeyUse, string>

export const firstKeys: MasterKeys = { host_credentials: kmsKey, credentials: credKey }

/** The real service that can be crashed and started again on its database, with other keys and another clock. */
export async function startModelledBroker() {
  const database = await createTestDatabase()
  const owner = new pg.Pool({ connectionString: database.ownerUrl, max: 2 })
  owner.on('error', () => {})
  const people = await startApiKeyPeer()
  const executor = await startExecutorPeer()
  const projectId = randomUUID()
  await owner.query('INSERT INTO api_key.projects (id, name) VALUES ($1, $2)', [projectId, projectId])
  const { token } = await people.createUser({ role: 'owner', projectId })
  const clock = { offsetMs: 0 }

  async function start(keys: MasterKeys) {
    const config = readBrokerConfig({
      DATABASE_URL: database.urlOf('secrets-broker'),
      API_KEY_URL: people.url,
      EXECUTOR_URL: executor.url,
      INTERNAL_KEY: testInternalKey,
      SECRETS_KMS_KEY: keys.host_credentials,
      ORCH_CRED_KEY: keys.credentials,
    })
    const now = () => new Date(Date.now() + clock.offsetMs)
    const deps = await createDeps(config, { log: createLog('secrets-broker', 'silent'), now })
    try {
      await deps.keyring.load()
    } catch (error) {
      await deps.dispose()
      throw error
    }
    const apps = createApps(deps)
    const open = await listen(apps.publicApp, '127.0.0.1', 0)
    const internal = await listen(apps.internalApp, '127.0.0.1', 0)
    deps.followKeys()
    return { deps, open, internal }
  }

  let running = await start(firstKeys)
  return {
    owner,
    executor,
    projectId,
    clock,
    keyring: () => running.deps.keyring,
    hostCipher: () => running.deps.hostCipher,
    internal: (method: string, path: string, body?: unknown) =>
      send(running.internal.url + path, { method, body, headers: { 'x-internal-key': testInternalKey } }),
    api: (method: string, path: string, body?: unknown) =>
      send(running.open.url + path, { method, body, headers: { authorization: `Bearer ${token}` } }),
    /** Its connections to the database break off in the middle of whatever they do, `underWay` among it. */
    async crash(underWay: readonly Promise<unknown>[] = []) {
      await database.cutConnections('secrets-broker')
      // A connection that is not idle yet would be waited for.
      await Promise.all(underWay)
      await Promise.all([running.open.close(), running.internal.close()])
      await running.deps.dispose()
    },
    /** After a crash. Throws where it refuses the keys. */
    async start(keys: MasterKeys) {
      running = await start(keys)
    },
    async stop() {
      await Promise.all([running.open.close(), running.internal.close()])
      await running.deps.dispose()
      await Promise.all([people.close(), executor.close()])
      await owner.end()
      await database.drop()
    },
  }
}
