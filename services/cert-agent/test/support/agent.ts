import { randomUUID } from 'node:crypto'
import { Writable } from 'node:stream'
import { createLog, listen } from '@opsconductor/service-kit'
import {
  createTestDatabase,
  startApiKeyPeer,
  testInternalKey,
  testTemporalAddress,
} from '@opsconductor/test-peers'
import pg from 'pg'
import { request } from 'undici'
import { createApps } from '../../src/app.ts'
import { createBackground } from '../../src/background.ts'
import { readAgentConfig } from '../../src/config.ts'
import { createDeps, type DepsOptions } from '../../src/deps.ts'
import * as operationWorker from '../../src/worker/operation-worker.ts'
import { startBrokerPeer } from './broker-peer.ts'
import { startExecutorPeer } from './executor-peer.ts'

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  /** Parsed, of whatever shape the endpoint answers. */
  body: ReturnType<typeof JSON.parse>
}
export type Call = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>

/** Calls the public API at `url` as the person with the token, or with the headers' API key. */
export function callerAt(url: string, token: string): Call {
  return async (method, path, body, headers = {}) => {
    const answer = await request(new URL(path, url), {
      method: method as 'GET',
      headers: {
        ...(headers['x-api-key'] === undefined ? { authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await answer.body.text()
    const isJson = String(answer.headers['content-type']).includes('json')
    return { status: answer.statusCode, headers: answer.headers, body: isJson ? JSON.parse(text) : text }
  }
}

interface AgentOptions extends DepsOptions {
  environment?: Record<string, string>
  /** It answers, and does nothing by itself: neither operations nor chores. */
  isIdle?: boolean
}

/** The real cert-agent in this process, on a database of its own, with its neighbours as peers. */
export async function startAgent(options: AgentOptions = {}) {
  const database = await createTestDatabase()
  const [apiKey, broker, executor] = await Promise.all([
    startApiKeyPeer(),
    startBrokerPeer(options.now),
    startExecutorPeer(),
  ])
  const owner = new pg.Pool({ connectionString: database.ownerUrl, max: 2 })
  owner.on('error', () => {})
  const createProject = async (role: 'owner' | 'admin' | 'operator' | 'viewer' = 'owner') => {
    const projectId = randomUUID()
    await owner.query('INSERT INTO api_key.projects (id, name) VALUES ($1, $2)', [projectId, projectId])
    const { token, userId } = await apiKey.createUser({ role, projectId })
    return { projectId, token, userId }
  }
  const { projectId, token, userId } = await createProject()
  const lines: string[] = []
  const log = createLog(
    'cert-agent',
    'debug',
    new Writable({
      write(chunk, _encoding, done) {
        lines.push(String(chunk))
        done()
      },
    }),
  )
  const config = readAgentConfig({
    DATABASE_URL: database.urlOf('cert-agent'),
    INTERNAL_KEY: testInternalKey,
    API_KEY_URL: apiKey.url,
    SECRETS_BROKER_URL: broker.url,
    EXECUTOR_URL: executor.url,
    TEMPORAL_ADDRESS: testTemporalAddress(),
    TEMPORAL_TASK_QUEUE: `certificates-${randomUUID()}`,
    ...options.environment,
  })
  const deps = createDeps(config, { log, ...options })
  const background = createBackground(deps, options.tracing, async () => operationWorker)
  const { publicApp, internalApp } = createApps(deps)
  const publicListener = await listen(publicApp, '127.0.0.1', 0)
  const internalListener = await listen(internalApp, '127.0.0.1', 0)
  // Prisma loads its engine with the first query; Jest lets nothing be loaded between a hook and a test, where chores run.
  await deps.prisma.$connect()
  if (!options.isIdle) background.start()
  return {
    database,
    owner,
    apiKey,
    broker,
    executor,
    projectId,
    token,
    userId,
    deps,
    background,
    /** What was logged. */
    lines,
    publicUrl: publicListener.url,
    internalUrl: internalListener.url,
    call: callerAt(publicListener.url, token),
    createProject,
    async stop() {
      deps.stopping.abort()
      await Promise.all([publicListener.close(), internalListener.close()])
      await background.drain()
      await background.stop()
      await deps.dispose()
      await Promise.all([apiKey.close(), broker.close(), executor.close()])
      await owner.end()
      await database.drop()
    },
  }
}

export type AgentUnderTest = Awaited<ReturnType<typeof startAgent>>
