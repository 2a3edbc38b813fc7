import { randomUUID } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { createLog, listen } from '@opsconductor/service-kit'
import { createTestDatabase, startApiKeyPeer, testInternalKey } from '@opsconductor/test-peers'
import pg from 'pg'
import { request } from 'undici'
import { createApps } from '../src/app.ts'
import { readBrokerConfig } from '../src/config.ts'
import { createDeps } from '../src/deps.ts'
import { startCertAgentPeer } from './cert-agent-peer.ts'
import { startExecutorPeer } from './executor-peer.ts'
import { startRegistryPeer } from './registry-peer.ts'

export const kmsKey = 'kms-key-for-tests-0123456789'
export const credKey = 'cred-key-for-tests-0123456789'
export const executorKey = 'executor-key-for-tests-0123456789'
export const registryKey = 'registry-key-for-tests-0123456789'
export const certAgentKey = 'cert-agent-key-for-tests-0123456789'
export const consoleKey = 'console-key-for-tests-0123456789'

export type RunningBroker = Awaited<ReturnType<typeof startBroker>>

/** The real service on a real database; api-key, executor, registry and cert-agent are peers at its outer edge. */
export async function startBroker(settings: Record<string, string> = {}, clock: { now?: () => Date } = {}) {
  const database = await createTestDatabase()
  const owner = new pg.Pool({ connectionString: database.ownerUrl, max: 2 })
  owner.on('error', () => {})
  const people = await startApiKeyPeer()
  const executor = await startExecutorPeer()
  const registry = await startRegistryPeer()
  const certAgent = await startCertAgentPeer()
  const logged: string[] = []
  const config = readBrokerConfig({
    DATABASE_URL: database.urlOf('secrets-broker'),
    API_KEY_URL: people.url,
    EXECUTOR_URL: executor.url,
    INTERFACE_REGISTRY_URL: registry.url,
    CERT_AGENT_URL: certAgent.url,
    INTERNAL_KEY: testInternalKey,
    INTERNAL_KEY_EXECUTOR: executorKey,
    INTERNAL_KEY_CERT_AGENT: certAgentKey,
    INTERNAL_KEY_CONSOLE: consoleKey,
    INTERNAL_KEY_INTERFACE_REGISTRY: registryKey,
    SECRETS_KMS_KEY: kmsKey,
    ORCH_CRED_KEY: credKey,
    LOG_LEVEL: 'trace',
    ...settings,
  })
  const lines = new PassThrough().on('data', (line) => logged.push(String(line)))
  const log = createLog('secrets-broker', config.LOG_LEVEL, lines)
  const deps = await createDeps(config, { log, ...clock })
  await deps.keyring.load()
  const apps = createApps(deps)
  const open = await listen(apps.publicApp, '127.0.0.1', 0)
  const internal = await listen(apps.internalApp, '127.0.0.1', 0)

  return {
    config,
    database,
    deps,
    owner,
    people,
    executor,
    registry,
    certAgent,
    publicUrl: open.url,
    internalUrl: internal.url,
    /** Everything logged so far. */
    logged: () => logged.join(''),
    async createProject() {
      const projectId = randomUUID()
      await owner.query('INSERT INTO api_key.projects (id, name) VALUES ($1, $2)', [projectId, projectId])
      const { token, userId } = await people.createUser({ role: 'owner', projectId })
      return { projectId, userId, asOwner: { authorization: `Bearer ${token}` } }
    },
    /** A request to the internal listener, as `operator` unless another key is named. */
    internal: (method: string, path: string, body?: unknown, key: string | null = testInternalKey) =>
      send(internal.url + path, { method, body, headers: key === null ? {} : { 'x-internal-key': key } }),
    /** The credential, lent to a step of a running run that names it. */
    use: (projectId: string, id: string) =>
      send(`${internal.url}/internal/secrets/credentials/${id}/use`, {
        method: 'POST',
        body: executor.useOf(projectId, id),
        headers: { 'x-internal-key': executorKey },
      }),
    api: (method: string, path: string, headers: Record<string, string>, body?: unknown) =>
      send(open.url + path, { method, body, headers }),
    /** The rows of the access log, oldest first. */
    async accessLog() {
      const { rows } = await owner.query('SELECT * FROM secrets.credential_access_log ORDER BY id')
      return rows as Record<string, unknown>[]
    },
    async stop() {
      await Promise.all([open.close(), internal.close()])
      await deps.dispose()
      await Promise.all([people.close(), executor.close(), registry.close(), certAgent.close()])
      await owner.end()
      await database.drop()
    },
  }
}

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  // Tests look into answers of every shape.
  body: AnswerBody
}

interface AnswerBody {
  id: string
  name: string
  code: string
  detail: string
  credential_id: number
  errors: { path: string; message: string }[]
  items: AnswerBody[]
  next_cursor: string | null
  secret: Record<string, string>
  [field: string]: unknown
}

/** One request; the body is JSON unless it is a text already. */
export async function send(
  url: string,
  { method, headers, body }: { method: string; headers: Record<string, string>; body?: unknown },
): Promise<Answer> {
  const answer = await request(url, {
    method: method as 'GET',
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await answer.body.text()
  const isJson = String(answer.headers['content-type']).includes('json')
  return { status: answer.statusCode, headers: answer.headers, text, body: isJson ? JSON.parse(text) : {} }
}
