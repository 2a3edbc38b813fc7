import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { executorKey, type RunningBroker, startBroker } from './running-broker.ts'

const certAgentKey = 'cert-agent-key-for-tests-0123456789'
let broker: RunningBroker
beforeAll(async () => {
  broker = await startBroker({ INTERNAL_KEY_CERT_AGENT: certAgentKey })
})
afterAll(() => broker.stop())

const database = { host: 'db-01', purpose: 'database' }
const ssh = { host: 'web-01', purpose: 'ssh' }
const secrets = '/internal/secrets'
const calls: [string, string, unknown][] = [
  ['POST', `${secrets}/credential-upsert`, { ...database, password: 'Passw0rd-changed' }],
  ['POST', `${secrets}/credential-lookup`, database],
  ['POST', `${secrets}/credential-lookup-batch`, { lookups: [ssh, database] }],
  ['DELETE', `${secrets}/credential-delete?host=db-01&purpose=database`, undefined],
]

test.each(calls)(
  '003.23 a service gets no credential for a purpose that is not its own, and the try is logged: %s %s',
  async (method, path, body) => {
    for (const key of [database, ssh])
      await broker.internal('POST', `${secrets}/credential-upsert`, { ...key, password: 'Passw0rd-kept' })
    const answer = await broker.internal(method, path, body, certAgentKey)
    expect([answer.status, answer.body.code]).toEqual([403, 'forbidden'])
    expect(answer.text).not.toContain('Passw0rd')
    expect((await broker.accessLog()).at(-1)).toMatchObject({
      ...database,
      accessed_by: 'cert-agent',
      success: false,
      error_message: 'cert-agent may not have credentials for this purpose.',
    })
    const kept = await broker.internal('POST', `${secrets}/credential-lookup`, database)
    expect(kept.body.password).toBe('Passw0rd-kept')
  },
)

test('003.23 a service gets those of its own purposes, and one that is not limited all', async () => {
  await broker.internal('POST', `${secrets}/credential-upsert`, { ...ssh, password: 'Passw0rd-ssh' })
  const statuses = [
    await broker.internal('POST', `${secrets}/credential-lookup`, ssh, certAgentKey),
    await broker.internal('POST', `${secrets}/credential-lookup`, database, executorKey),
  ].map(({ status }) => status)
  expect(statuses).toEqual([200, 200])
})
