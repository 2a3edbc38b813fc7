import { generateKeyPairSync } from 'node:crypto'
import { Writable } from 'node:stream'
import { findPublicInterfaceEndpoint, type Role, retireNamespaceEndpoint } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import {
  createInternalClient,
  createLog,
  type InternalClient,
  internalRoute,
  listen,
} from '@opsconductor/service-kit'
import { createTestDatabase, servePeer, type TestDatabase, testInternalKey } from '@opsconductor/test-peers'
import pg from 'pg'
import { request } from 'undici'
import { createApps } from '../src/app.ts'
import { readApiKeyConfig } from '../src/config.ts'
import { createDeps, type Deps } from '../src/deps.ts'
import { type Race, race } from './race.ts'

export type Headers = Record<string, string>
/** The fields that tests read of answers and problems; one that an answer does not have fails its assertion. */
export interface AnswerBody {
  id: string
  email: string
  user_id: string
  project_id: string
  role: string
  key: string
  key_prefix: string
  scopes: string[]
  is_active: boolean
  access_token: string
  items: AnswerBody[]
  next_cursor: string | null
  code: string
  detail: string
  errors: [{ path: string }]
}
export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: AnswerBody
}

export interface RunningApiKey {
  deps: Deps
  database: TestDatabase
  /** A connection of the database's owner, to look at rows from outside. */
  owner: pg.Client
  publicUrl: string
  internalUrl: string
  internal: InternalClient
  clock: { at: number }
  /** Everything logged so far. */
  logged(): string
  /** What the interface registry answers: interface id → project id. */
  interfaces: Map<string, string>
  /** What the interface registry does when a project is to be retired. */
  retire: { answer: (projectId: string) => Promise<void> }
  ask(method: string, path: string, options?: { headers?: Headers; body?: unknown }): Promise<Answer>
  person(options?: { isPlatformAdmin?: boolean }): Promise<{ id: string; email: string; headers: Headers }>
  project(members?: Record<string, Role>): Promise<string>
  race<T>(held: Race<T>): Promise<T>
  close(): Promise<void>
}

export const password = 'correct horse battery staple'
const signingKey = () =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

export const testEnvironment = (changes: Record<string, string>) => ({
  INTERNAL_KEY: testInternalKey,
  API_KEY_PEPPER: 'pepper-for-tests-0123456789',
  SESSION_SIGNING_KEY: signingKey(),
  ...changes,
})

export async function send(
  base: string,
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Headers; body?: unknown } = {},
): Promise<Answer> {
  const answer = await request(new URL(path, base), {
    method: method as 'GET',
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const text = await answer.body.text()
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: text === '' ? undefined : JSON.parse(text),
  }
}

/** The registry's endpoints that this service asks, over real HTTP. */
async function startRegistryPeer({ interfaces, retire }: Pick<RunningApiKey, 'interfaces' | 'retire'>) {
  return servePeer('interface-registry', [
    internalRoute(findPublicInterfaceEndpoint, async ({ params: { id = '' } }) => {
      const projectId = interfaces.get(id)
      if (projectId === undefined) throw new AppError('not_found', 'There is no such public interface.')
      return { id, project_id: projectId }
    }),
    internalRoute(retireNamespaceEndpoint, async ({ params: { id = '' } }) => {
      await retire.answer(id)
      return { namespace: `project-${id}` }
    }),
  ])
}

function logInto(lines: string[]) {
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    },
  })
  return createLog('api-key', 'trace', destination)
}

/** The real service on a database of its own, with the clock in the test's hands. */
export async function startApiKey(environment: Record<string, string> = {}): Promise<RunningApiKey> {
  const database = await createTestDatabase()
  const owner = new pg.Client({ connectionString: database.ownerUrl })
  await owner.connect()
  const interfaces = new Map<string, string>()
  const retire = { answer: async () => {} }
  const registry = await startRegistryPeer({ interfaces, retire })
  const clock = { at: Date.now() }
  const lines: string[] = []
  const config = readApiKeyConfig(
    testEnvironment({
      DATABASE_URL: database.urlOf('api-key'),
      INTERFACE_REGISTRY_URL: registry.url,
      ...environment,
    }),
  )
  const deps = await createDeps(config, { now: () => clock.at, log: logInto(lines) })
  const { publicApp, internalApp } = createApps(deps)
  const open = await listen(publicApp, '127.0.0.1', 0)
  const inside = await listen(internalApp, '127.0.0.1', 0)
  const internal = createInternalClient({ urls: { 'api-key': inside.url }, key: testInternalKey })
  const passwordHash = await deps.passwords.hash(password)

  return {
    deps,
    database,
    owner,
    publicUrl: open.url,
    internalUrl: inside.url,
    internal,
    clock,
    logged: () => lines.join(''),
    interfaces,
    retire,
    ask: (method, path, options) => send(open.url, method, path, options),
    ...peopleOf(deps, owner, passwordHash),
    race: (held) => race(owner, held),
    async close() {
      await open.close()
      await inside.close()
      await internal.close()
      await deps.dispose()
      await registry.close()
      await owner.end()
      await database.drop()
    },
  }
}

function peopleOf(
  deps: Deps,
  owner: pg.Client,
  passwordHash: string,
): Pick<RunningApiKey, 'person' | 'project'> {
  let count = 0
  return {
    async person({ isPlatformAdmin = false } = {}) {
      const email = `person${++count}@example.com`
      const user = await deps.users.create({ email, displayName: `P${count}`, passwordHash, isPlatformAdmin })
      return { id: user.id, email, headers: { authorization: `Bearer ${await deps.tokens.issue(user.id)}` } }
    },
    async project(members = {}) {
      const { rows } = await owner.query('INSERT INTO api_key.projects (name) VALUES ($1) RETURNING id', [
        `project ${++count}`,
      ])
      for (const [userId, role] of Object.entries(members))
        await owner.query('INSERT INTO api_key.project_members VALUES ($1, $2, $3)', [
          rows[0].id,
          userId,
          role,
        ])
      return rows[0].id
    },
  }
}

export async function metricValue(deps: Deps, name: string): Promise<number> {
  const values = (await deps.metrics.registry.getSingleMetric(name)?.get())?.values ?? []
  return values.reduce((sum, { value }) => sum + value, 0)
}
