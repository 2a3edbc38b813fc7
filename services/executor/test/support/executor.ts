import { randomUUID } from 'node:crypto'
import { Writable } from 'node:stream'
import { type AnyInternalRoute, createLog, listen } from '@opsconductor/service-kit'
import {
  createTestDatabase,
  startApiKeyPeer,
  testInternalKey,
  testTemporalAddress,
} from '@opsconductor/test-peers'
import { request } from 'undici'
import { createApps } from '../../src/app.ts'
import { readExecutorConfig } from '../../src/config.ts'
import { createDeps, type DepsOptions } from '../../src/deps.ts'
import { startBrokerPeer, startRegistryPeer } from './peers.ts'

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  /** Parsed, of whatever shape the endpoint answers. */
  body: ReturnType<typeof JSON.parse>
}

/** A database of its own, the executor's neighbours as peers, and the environment that names them. */
export async function startNeighbours(registryRoutes: AnyInternalRoute[] = []) {
  const database = await createTestDatabase()
  const [apiKey, broker, registry] = await Promise.all([
    startApiKeyPeer(),
    startBrokerPeer(),
    startRegistryPeer(registryRoutes),
  ])
  const projectId = randomUUID()
  const { token, userId } = await apiKey.createUser({ role: 'admin', projectId })
  return {
    database,
    apiKey,
    broker,
    registry,
    projectId,
    token,
    userId,
    environment: {
      DATABASE_URL: database.urlOf('executor'),
      INTERNAL_KEY: testInternalKey,
      API_KEY_URL: apiKey.url,
      SECRETS_BROKER_URL: broker.url,
      INTERFACE_REGISTRY_URL: registry.url,
      TEMPORAL_ADDRESS: testTemporalAddress(),
    },
    async stop() {
      await Promise.all([apiKey.close(), broker.close(), registry.close()])
      await database.drop()
    },
  }
}

export type Call = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>

/** Calls the public API at `url` as the person with the token. */
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
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
  }
}

/** The real executor in this process. */
export async function startExecutor(
  options: DepsOptions & {
    temporalAddress?: string
    environment?: Record<string, string>
    registryRoutes?: AnyInternalRoute[]
  } = {},
) {
  const neighbours = await startNeighbours(options.registryRoutes)
  const { token } = neighbours
  const environment = {
    ...neighbours.environment,
    ...options.environment,
    ...(options.temporalAddress === undefined ? {} : { TEMPORAL_ADDRESS: options.temporalAddress }),
  }
  const lines: string[] = []
  const log = createLog(
    'executor',
    'debug',
    new Writable({
      write(chunk, _encoding, done) {
        lines.push(String(chunk))
        done()
      },
    }),
  )
  const deps = createDeps(readExecutorConfig(environment), { log, ...options })
  const { publicApp, internalApp } = createApps(deps)
  const publicListener = await listen(publicApp, '127.0.0.1', 0)
  const internalListener = await listen(internalApp, '127.0.0.1', 0)
  const call = callerAt(publicListener.url, token)
  return {
    ...neighbours,
    deps,
    lines,
    publicUrl: publicListener.url,
    internalUrl: internalListener.url,
    call,
    /** Opens loopback ports for the project's steps. */
    open: (...ports: number[]) =>
      call('PUT', '/api/outbound-policy', { allow: [{ cidr: '127.0.0.1', ports }] }),
    async stop() {
      await Promise.all([publicListener.close(), internalListener.close()])
      await deps.dispose()
      await neighbours.stop()
    },
  }
}

export type ExecutorUnderTest = Awaited<ReturnType<typeof startExecutor>>

/** Starts a run and waits for its end on the workflow itself. */
export async function runToEnd(executor: ExecutorUnderTest, jobId: string, input: unknown = {}) {
  const started = await executor.call('POST', `/api/jobs/${jobId}/runs`, { input })
  if (started.status !== 202) throw new Error(JSON.stringify(started.body))
  return await endOf(executor, started.body.id)
}

export async function endOf(executor: ExecutorUnderTest, runId: string) {
  const client = executor.deps.temporal.clientFor(`project-${executor.projectId}`)
  await client.workflow
    .getHandle(`run-${runId}`)
    .result()
    .catch(() => {})
  return (await executor.call('GET', `/api/runs/${runId}`)).body
}

export async function createJob(executor: ExecutorUnderTest, definition: Record<string, unknown>) {
  const created = await executor.call('POST', '/api/jobs', { name: `job ${randomUUID()}`, ...definition })
  if (created.status !== 201) throw new Error(JSON.stringify(created.body))
  return created.body as { id: string; version: number }
}
