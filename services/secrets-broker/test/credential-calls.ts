import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals'
import { openSecret, openVersion } from '../src/credentials/credential-secret.ts'
import { type RunningBroker, startBroker } from './running-broker.ts'

export const dayMs = 86_400_000
export const inDays = (days: number, from = Date.now()) => new Date(from + days * dayMs).toISOString()

// Bound anew by each test file's own beforeAll.
export let broker: RunningBroker
export let project: Awaited<ReturnType<RunningBroker['createProject']>>

/** A broker for the tests of one file, which keeps four versions of a credential, with a project. */
export function useBroker() {
  const realNow = () => new Date()
  beforeAll(async () => {
    broker = await startBroker({ CREDENTIAL_VERSIONS_MAX: '4' })
    project = await broker.createProject()
  })
  afterAll(() => broker.stop())
  afterEach(() => {
    broker.deps.now = realNow
  })
}

/** Of the project's owner. */
export const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  broker.api(method, `/api/credentials${path}`, { ...project.asOwner, ...headers }, body)

export async function create(more: object = {}) {
  const answer = await call('POST', '', {
    name: `credential ${randomUUID().slice(0, 8)}`,
    type: 'http_basic',
    secret: 'first-secret',
    extra: { username: 'reader' },
    ...more,
  })
  expect([answer.status, answer.text]).toEqual([201, expect.any(String)])
  return answer.body
}

/** What the rows hold: the present secret, and that of each former version, each opened in its own place. */
export async function secretsOf(id: string): Promise<Record<number, Record<string, string>>> {
  const owner = { id, projectId: project.projectId }
  const { cipher } = broker.deps
  const { rows } = await broker.owner.query(
    `SELECT version, secret_encrypted AS ciphertext, key_id AS "keyId", true AS present FROM secrets.credentials WHERE id = $1
     UNION ALL SELECT version, secret_encrypted, key_id, false FROM secrets.credential_versions WHERE credential_id = $1`,
    [id],
  )
  const opened = rows.map(async ({ version, present, ...sealed }) => [
    version,
    await (present ? openSecret(cipher, owner, sealed) : openVersion(cipher, owner, version, sealed)),
  ])
  return Object.fromEntries(await Promise.all(opened))
}
