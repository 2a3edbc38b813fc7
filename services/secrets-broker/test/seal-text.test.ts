import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { consoleKey, executorKey, type RunningBroker, startBroker } from './running-broker.ts'

const canary = 'sealed-canary-0123456789'
let broker: RunningBroker
let place: { project_id: string; table: string; id: string }
beforeAll(async () => {
  broker = await startBroker()
  const { projectId } = await broker.createProject()
  place = { project_id: projectId, table: 'interface_registry.project_connectors', id: randomUUID() }
})
afterAll(() => broker.stop())

const call = (path: string, body: unknown, key: string = executorKey) =>
  broker.internal('POST', `/internal/secrets/${path}`, body, key)
const seal = async (plaintext = canary) => (await call('seal', { ...place, plaintext })).body

test('what was sealed for a row opens for that row, after its access was logged', async () => {
  const { ciphertext, key_id } = await seal()
  expect(String(ciphertext)).not.toContain(canary)
  const opened = await call('open', { ...place, ciphertext, key_id, reason: 'connectivity check' })
  expect(opened.body).toEqual({ plaintext: canary })
  expect((await broker.accessLog()).at(-1)).toMatchObject({
    host: 'interface_registry.project_connectors',
    purpose: 'sealed',
    access_type: 'read',
    accessed_by: 'executor',
    reason: 'connectivity check',
    project_id: place.project_id,
    credential_uuid: place.id,
    success: true,
  })
  expect(broker.logged()).not.toContain(canary)
})

test('a resealed text opens, and nobody saw it', async () => {
  const resealed = await call('reseal', { ...place, ...(await seal()) })
  expect(resealed.text).not.toContain(canary)
  const opened = await call('open', { ...place, ...resealed.body, reason: 'test' })
  expect(opened.body).toEqual({ plaintext: canary })
})

test.each([
  ['another row', () => ({ id: randomUUID() })],
  ['another table', () => ({ table: 'executor.webhooks' })],
  ['another project', async () => ({ project_id: (await broker.createProject()).projectId })],
  ['an unknown key id', () => ({ key_id: randomUUID() })],
  ['a key id that is none', () => ({ key_id: "'; DROP TABLE x" })],
  ['a changed ciphertext', () => ({ ciphertext: Buffer.alloc(60, 7).toString('base64') })],
])('for %s it does not open', async (_, change) => {
  const sealed = await seal()
  const answer = await call('open', { ...place, ...sealed, reason: 'test', ...(await change()) })
  expect([answer.status, answer.body.code]).toEqual([500, 'decryption_failed'])
  expect(answer.text).not.toContain(canary)
})

test.each([
  ['a table of the broker', () => ({ table: 'secrets.credentials' }), 422, 'body.table'],
  ['a table that is none', () => ({ table: 'x; DROP' }), 422, 'body.table'],
  ['no text', () => ({ plaintext: '' }), 422, 'body.plaintext'],
  ['a project that is none', () => ({ project_id: randomUUID() }), 404, undefined],
])('%s is refused', async (_, change, status, path) => {
  const answer = await call('seal', { ...place, plaintext: canary, ...change() })
  expect([answer.status, answer.body.errors?.[0]?.path]).toEqual([status, path])
})

test('a service that has no columns of its own to seal is refused', async () => {
  expect((await call('seal', { ...place, plaintext: canary }, consoleKey)).status).toBe(403)
})
