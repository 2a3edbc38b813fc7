import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { Writable } from 'node:stream'
import type { Connectivity, PublicInterface } from '@opsconductor/contracts'
import { createLog, listen } from '@opsconductor/service-kit'
import {
  createTestDatabase,
  startApiKeyPeer,
  testInternalKey,
  testTemporalAddress,
} from '@opsconductor/test-peers'
import pg from 'pg'
import { request } from 'undici'
import type { z } from 'zod'
import { type GatewayOptions, startGateway } from '../../../kong/dev-gateway/src/gateway.ts'
import { createApps } from '../src/app.ts'
import { readRegistryConfig } from '../src/config.ts'
import { createDeps } from '../src/deps.ts'
import { startExecutorPeer } from './executor-peer.ts'

export type Harness = Awaited<ReturnType<typeof startHarness>>

/** What tests look into, of any answer. */
interface AnswerBody {
  id: string
  name: string
  hash: string
  code: string
  detail: string
  errors: { path: string; message: string }[]
  items: AnswerBody[]
  next_cursor: string | null
  namespace: string
  project_id: string
  job_id: string | null
  job_version: number | null
  is_public: boolean
  input_schema: unknown
  public_interface: z.infer<typeof PublicInterface>
  connectivity?: Connectivity
  run_id: string | null
  status: string
  status_url: string
  output: unknown
  error: unknown
  data: Record<string, unknown>[]
}

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: AnswerBody
}

/** The real service on real PostgreSQL, Temporal and gateway; api-key and executor are peers at its outer edge. */
export async function startHarness(
  options: { newHash?: () => string; settings?: Record<string, string> } = {},
) {
  const database = await createTestDatabase()
  const owner = new pg.Pool({ connectionString: database.ownerUrl, max: 2 })
  owner.on('error', () => {})
  const keys = await startApiKeyPeer()
  const executor = await startExecutorPeer(testInternalKey)
  let gateway = await startGateway()
  const ports = { port: portOf(gateway.proxyUrl), adminPort: portOf(gateway.adminUrl) }
  const settings = {
    DATABASE_URL: database.urlOf('interface-registry'),
    API_KEY_URL: keys.url,
    EXECUTOR_URL: executor.url,
    TEMPORAL_ADDRESS: testTemporalAddress(),
    KONG_ADMIN_URL: gateway.adminUrl,
    KONG_PROXY_URL: gateway.proxyUrl,
    INTERNAL_KEY: testInternalKey,
    GRANT_SIGNING_KEY: newSigningKey(),
    PUBLISH_WAIT_SECONDS: '3',
    ...options.settings,
  }

  const lines: string[] = []
  const log = createLog(
    'interface-registry',
    'debug',
    new Writable({
      write(chunk, _encoding, done) {
        lines.push(String(chunk))
        done()
      },
    }),
  )

  async function startReplica(more: Record<string, string> = {}) {
    const config = readRegistryConfig({ ...settings, ...more })
    const deps = createDeps(config, { log, ...(options.newHash && { newHash: options.newHash }) })
    const apps = createApps(deps)
    const publicListener = await listen(apps.publicApp, '127.0.0.1', 0)
    const internalListener = await listen(apps.internalApp, '127.0.0.1', 0)
    if (options.settings?.REGISTRY_UPSTREAM_URL === undefined)
      config.REGISTRY_UPSTREAM_URL = publicListener.url
    deps.leadership.start()
    let stopped: Promise<void> | undefined
    return {
      deps,
      publicUrl: publicListener.url,
      internalUrl: internalListener.url,
      stop() {
        stopped ??= (async () => {
          await Promise.all([publicListener.close(), internalListener.close()])
          await deps.dispose()
        })()
        return stopped
      },
    }
  }
  const registry = await startReplica()

  return {
    ...registry,
    /** What was logged. */
    lines,
    keys,
    executor,
    owner,
    gatewayUrl: gateway.proxyUrl,
    adminUrl: gateway.adminUrl,
    startReplica,
    stopRegistry: registry.stop,
    stopGateway: () => gateway.stop(),
    /** On the same ports, with nothing in it unless a state file says otherwise. */
    async startGateway(more: GatewayOptions = {}) {
      gateway = await startGateway({ ...ports, ...more })
    },
    createJob: executor.createJob,
    async createProject() {
      const projectId = randomUUID()
      await owner.query('INSERT INTO api_key.projects (id, name) VALUES ($1, $2)', [projectId, projectId])
      const { token } = await keys.createUser({ role: 'owner', projectId })
      const asOwner = { authorization: `Bearer ${token}` }
      return {
        projectId,
        asOwner,
        createKey: (publicInterfaceId?: string) =>
          keys.createKey({ projectId, ...(publicInterfaceId === undefined ? {} : { publicInterfaceId }) }),
      }
    },
    async stop() {
      await registry.stop()
      await Promise.all([gateway.stop(), keys.close(), executor.close()])
      await owner.end()
      await database.drop()
    },
  }
}

export const newSigningKey = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

const portOf = (url: string) => Number(new URL(url).port)

/** One request; the body is JSON unless it is a text already. */
export async function send(
  url: string,
  {
    method = 'GET',
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string>; body?: unknown } = {},
): Promise<Answer> {
  const answer = await request(url, {
    method: method as 'GET',
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await answer.body.text()
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: String(answer.headers['content-type']).includes('json') && text !== '' ? JSON.parse(text) : text,
  }
}

/** Asks again until `found` answers something; fails with the last answer after `withinMs`. */
export async function eventually<T>(ask: () => Promise<T | undefined>, withinMs = 15_000): Promise<T> {
  const until = performance.now() + withinMs
  for (;;) {
    const found = await ask()
    if (found !== undefined) return found
    if (performance.now() > until) throw new Error(`did not happen within ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
