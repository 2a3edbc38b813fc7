import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { listen } from '@opsconductor/service-kit'
import { createApps } from '../src/app.ts'
import { createDeps } from '../src/deps.ts'
import { type RunningBroker, send, startBroker } from './running-broker.ts'

let broker: RunningBroker
beforeAll(async () => {
  broker = await startBroker({ LOG_LEVEL: 'silent' })
})
afterAll(() => broker.stop())

const host = { host: 'web-01', purpose: 'ssh' }
const lookupPath = '/internal/secrets/credential-lookup'

test('001.19 003.14 with PostgreSQL down every endpoint answers a 503 problem with Retry-After, lookups count as failed, and alive stays alive', async () => {
  const { projectId, asOwner } = await broker.createProject()
  const config = { ...broker.config, DATABASE_URL: 'postgresql://x:y@127.0.0.1:1/z' }
  const deps = await createDeps(config)
  const apps = createApps(deps)
  const internal = await listen(apps.internalApp, '127.0.0.1', 0)
  const open = await listen(apps.publicApp, '127.0.0.1', 0)
  const key = { 'x-internal-key': broker.deps.keys.own }
  const credential = { name: 'n', type: 'bearer_token', secret: 'tok-0123456789' }
  const use = { project_id: projectId, run_id: projectId, step_id: 's' }
  try {
    const calls: [string, string, Record<string, string>, unknown][] = [
      ['POST', `${internal.url}/internal/secrets/credential-upsert`, key, { ...host, password: 'passw0rd' }],
      ['POST', internal.url + lookupPath, key, host],
      [
        'DELETE',
        `${internal.url}/internal/secrets/credential-delete?host=web-01&purpose=ssh`,
        key,
        undefined,
      ],
      ['POST', `${internal.url}/internal/secrets/credentials/x/use`, key, use],
      ['GET', `${internal.url}/internal/secrets/credentials/x?project_id=${projectId}`, key, undefined],
      ['GET', `${internal.url}/readyz`, {}, undefined],
      ['POST', `${open.url}/api/credentials`, asOwner, credential],
      ['GET', `${open.url}/api/credentials`, asOwner, undefined],
      ['GET', `${open.url}/api/credentials/${projectId}`, asOwner, undefined],
      ['DELETE', `${open.url}/api/credentials/${projectId}`, asOwner, undefined],
      ['POST', `${open.url}/api/credentials/${projectId}/test`, asOwner, {}],
    ]
    for (const [method, url, headers, body] of calls) {
      const answer = await send(url, { method, headers, body })
      expect([url, answer.status, answer.body.code]).toEqual([url, 503, 'service_unavailable'])
      expect(answer.headers['retry-after']).toBe('2')
    }
    const { text: metrics } = await send(`${internal.url}/metrics`, { method: 'GET', headers: {} })
    expect(metrics).toMatch(/^secrets_credential_lookups_total 2$/m)
    expect(metrics).toMatch(/^secrets_credential_lookup_failures_total 2$/m)
    expect(metrics).toMatch(/^secrets_credential_upserts_total 0$/m)
    const refused = await send(internal.url + lookupPath, { method: 'POST', headers: {}, body: host })
    expect(refused.status).toBe(403)
    expect((await send(`${internal.url}/healthz`, { method: 'GET', headers: {} })).status).toBe(200)
  } finally {
    await Promise.all([internal.close(), open.close()])
    await deps.dispose()
  }
})

test('001.19 after PostgreSQL cut every connection the service goes on with new ones', async () => {
  await broker.internal('POST', '/internal/secrets/credential-upsert', { ...host, password: 'passw0rd' })
  await Promise.all(Array.from({ length: 10 }, () => broker.internal('POST', lookupPath, host)))
  expect(await broker.database.cutConnections('secrets-broker')).toBeGreaterThan(0)
  const statuses = []
  for (let i = 0; i < 20; i++) statuses.push((await broker.internal('POST', lookupPath, host)).status)
  expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([])
  expect(statuses.at(-1)).toBe(200)
})

test('ready only with the database and the keys that encrypted what is stored', async () => {
  const ready = async () => (await broker.internal('GET', '/readyz', undefined, null)).status
  expect(await ready()).toBe(200)
  await broker.owner.query(
    "UPDATE secrets.master_keys SET canary_encrypted = 'AAAA' WHERE key_use = 'credentials'",
  )
  expect(await ready()).toBe(503)
  await broker.owner.query('DELETE FROM secrets.master_keys')
  expect(await ready()).toBe(503)
})
