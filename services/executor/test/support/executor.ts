import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { Writable } from 'node:stream'
import { createLog, listen } from '@opsconductor/service-kit'
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

const require = createRequire(import.meta.url)
export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any
}

/** The real executor in this process, on a database of its own, with its neighbours as peers. */
export async function startExecutor(options: DepsOptions & { temporalAddress?: string } = {}) {
  const database = await createTestDatabase()
  const [apiKey, broker, registry] = await Promise.all([
    startApiKeyPeer(),
    startBrokerPeer(),
    startRegistryPeer(),
  ])
  const environment = {
    DATABASE_URL: database.urlOf('executor'),
    INTERNAL_KEY: testInternalKey,
    API_KEY_URL: apiKey.url,
    SECRETS_BROKER_URL: broker.url,
    INTERFACE_REGISTRY_URL: registry.url,
    TEMPORAL_ADDRESS: options.temporalAddress ?? testTemporalAddress(),
    LOG_LEVEL: 'debug',
  }
  const lines: string[] = []
  const log = createLog(
    'executor',
    'debug',
    new Writable({
      write(chunk, _encoding, done) {
        lines.push(String(chunk)); if (process.env.DBGLOG) require('node:fs').appendFileSync(process.env.DBGLOG, String(chunk))
        done()
      },
    }),
  )
  const deps = createDeps(readExecutorConfig(environment), { log, ...options })
  const { publicApp, internalApp } = createApps(deps)
  const publicListener = await listen(publicApp, '127.0.0.1', 0)
  const internalListener = await listen(internalApp, '127.0.0.1', 0)
  const projectId = randomUUID()
  const { token } = await apiKey.createUser({ role: 'admin', projectId })

  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = { authorization: `Bearer ${token}` },
  ): Promise<Answer> {
    const answer = await request(new URL(path, publicListener.url), {
      method: method as 'GET',
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await answer.body.text()
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
  }

  return {
    database,
    apiKey,
    broker,
    environment,
    deps,
    lines,
    projectId,
    token,
    publicUrl: publicListener.url,
    internalUrl: internalListener.url,
    call,
    /** Opens loopback ports for the project's steps. */
    open: (...ports: number[]) =>
      call('PUT', '/api/outbound-policy', { allow: [{ cidr: '127.0.0.1', ports }] }),
    async stop() {
      await Promise.all([publicListener.close(), internalListener.close()])
      await deps.dispose()
      await Promise.all([apiKey.close(), broker.close(), registry.close()])
      await database.drop()
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
