import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type ErrorCode, errorCodes } from '@opsconductor/errors'
import type { AnyRoute } from '@opsconductor/service-kit'
import { createTestCertificates } from '@opsconductor/test-peers'
import fc from 'fast-check'
import { Pool } from 'undici'
import { internalRoutes, publicRoutes } from '../src/app.ts'
import { credentialTypeNames } from '../src/credential-types/index.ts'
import type { Deps } from '../src/deps.ts'
import {
  type FuzzedRoute,
  type Hints,
  type Ids,
  type Recipe,
  recipesFor,
  renderBody,
} from './fuzz-requests.ts'
import './steady-seed.ts'
import { consoleKey, kmsKey, type RunningBroker, startBroker } from './running-broker.ts'

const runsPerRoute = 60
/** All routes together: what is left of a route's runs when its share is over is not made. */
const allRoutesMs = 10_000
const answerMsMax = 10_000

/** Shown by no answer but those of routes that lend. */
const planted = `planted-${randomUUID()}`
/** Sent as a value: no error repeats it. */
const sent = `sent-${randomUUID()}`
const lending = new Set([
  '/internal/secrets/credential-lookup',
  '/internal/secrets/credential-lookup-batch',
  '/internal/secrets/credentials/{reference}/use',
  '/internal/secrets/open',
])
const ofForeignCiphertext = new Set(['/internal/secrets/open', '/internal/secrets/reseal'])

// Only the shapes are looked at here; the handlers that are called are those of the running broker.
const unwired = {} as Deps
const routes: FuzzedRoute[] = [
  ...publicRoutes(unwired).map((route: AnyRoute) => ({
    ...route,
    query: route.query,
    body: route.body,
    listener: 'public' as const,
  })),
  ...internalRoutes(unwired).map(({ endpoint: { method, path, request } }) => {
    const inQuery = method === 'get' || method === 'delete'
    return {
      method,
      path,
      listener: 'internal' as const,
      query: inQuery ? request : undefined,
      body: inQuery ? undefined : request,
    }
  }),
]

let broker: RunningBroker
let project: Awaited<ReturnType<RunningBroker['createProject']>>
let pools: Record<FuzzedRoute['listener'], Pool>
beforeAll(async () => {
  broker = await startBroker({ LOG_LEVEL: 'info', VAULTS_ALLOW_LOOPBACK: 'true' })
  project = await broker.createProject()
  pools = { public: new Pool(broker.publicUrl), internal: new Pool(broker.internalUrl) }
})
afterAll(async () => {
  await Promise.all(Object.values(pools).map((pool) => pool.close()))
  await broker.stop()
})

const post = async (path: string, body: object) =>
  (await broker.api('POST', path, project.asOwner, body)).body

/** Stores anew what the fuzz of the route before may have changed or deleted. */
async function plant(): Promise<{ hints: Hints; ids: Ids }> {
  const name = () => `planted ${randomUUID().slice(0, 8)}`
  const host = { host: 'fuzzed-host', purpose: 'ssh' }
  await broker.internal('POST', '/internal/secrets/credential-upsert', { ...host, password: planted })
  const token = await post('/api/credentials', { name: name(), type: 'bearer_token', secret: planted })
  const changed = await broker.api('PUT', `/api/credentials/${token.id}`, project.asOwner, {
    secret: `${planted}-2`,
  })
  expect(changed.status).toBe(200)
  const gone = await post('/api/credentials', { name: name(), type: 'bearer_token', secret: planted })
  await broker.api('DELETE', `/api/credentials/${gone.id}`, project.asOwner)
  const vault = await post('/api/vaults', { name: name(), ...deadVault })
  const extra = { vault: vault.name, path: 'app/x', as_type: 'bearer_token', mode: 'read_through' }
  const reference = await post('/api/credentials', { name: name(), type: 'vault_ref', extra })
  const bundle = await post('/api/trust/ca-bundles', { name: name(), certificates: authority })
  const hostKey = await post('/api/trust/host-keys', { host: `${randomUUID()}.example`, key: sshKeyLine() })
  const { run_id, step_id } = broker.executor.useOf(project.projectId, token.id)
  const place = { project_id: project.projectId, table: 'executor.things', id: randomUUID() }
  const sealed = (await broker.internal('POST', '/internal/secrets/seal', { ...place, plaintext: planted }))
    .body
  const credentialIds = [token.id, token.id, gone.id, reference.id]
  const ids = {
    '/api/credentials': credentialIds,
    '/internal/secrets/credentials': [token.id, encodeURIComponent(token.name)],
    '/api/vaults': [vault.id],
    '/api/trust/ca-bundles': [bundle.id],
    '/api/trust/host-keys': [hostKey.id],
    '/internal/secrets/keyring/rotations': await rotationIds(),
  }
  const hints = {
    ...place,
    id: [place.id],
    ...{ run_id: [run_id], step_id: [step_id], project_id: [place.project_id], table: [place.table] },
    ...{ host: [host.host], purpose: [host.purpose], label: ['', sent] },
    ...{ ciphertext: [sealed.ciphertext], key_id: [sealed.key_id], plaintext: [sent], reason: ['fuzz'] },
    ...{
      name: [name(), name(), token.name, sent],
      type: credentialTypeNames,
      version: [1, 2],
      expires_at: [null],
    },
    secret: [
      'tok-0123456789',
      sent,
      { password: sent },
      { private_key: sent },
      { pkcs12: 'MIIB', passphrase: sent },
    ],
    extra: [{}, { username: 'u' }, { certificate: sent }, extra],
    password: [sent, planted, `${sent}\0`],
    ...{ old_key: [kmsKey, sent], new_key: [`${sent}-${randomUUID()}`] },
    ...{
      provider: [deadVault.provider, 'cyberark-ccp'],
      settings: [deadVault.settings, { url: sent }],
      auth: [deadVault.auth],
    },
    ...{ key: [sshKeyLine(), sent], certificates: [authority, sent] },
    url: ['http://127.0.0.1:1/', 'https://vault.invalid', sent],
  }
  return { hints: hints as Hints, ids }
}

let kept: ReturnType<typeof plant> | undefined
/** Reading leaves it as it is. */
const stored = () => (kept ??= plant())

/** An address where nobody answers. */
const deadVault = {
  provider: 'hashicorp-vault',
  settings: { url: 'http://127.0.0.1:1' },
  auth: { token: planted },
}
const authority = createTestCertificates().ca

function sshKeyLine(): string {
  const part = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes])
  return `ssh-ed25519 ${Buffer.concat([part(Buffer.from('ssh-ed25519')), part(randomBytes(32))]).toString('base64')}`
}

async function rotationIds(): Promise<string[]> {
  const { body } = await broker.internal('GET', '/internal/secrets/keyring')
  return [randomUUID(), ...(body.rotations as { id: string }[]).map(({ id }) => id)]
}

async function ask(route: FuzzedRoute, recipe: Recipe) {
  const headers: Record<string, string> = { ...recipe.headers, ...credentialsOf(route, recipe) }
  const withBody = route.body !== undefined || recipe.body.change !== 'none'
  if (withBody && recipe.contentType !== '') headers['content-type'] = recipe.contentType
  const path = route.path.replaceAll(/\{\w+\}/g, () => recipe.segment)
  const answer = await pools[route.listener].request({
    method: route.method.toUpperCase() as 'POST',
    path: `${path}?${new URLSearchParams(recipe.query)}${recipe.querySuffix}`,
    headers,
    body: withBody ? renderBody(recipe.body) : null,
    signal: AbortSignal.timeout(answerMsMax),
  })
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
}

// A key that is nobody's is left out: it would have to wait, as whoever tries keys.
function credentialsOf({ listener }: FuzzedRoute, { caller }: Recipe): Record<string, string> {
  if (listener === 'internal')
    return { 'x-internal-key': caller === 'right' ? broker.deps.keys.own : consoleKey }
  if (caller === 'none') return {}
  return caller === 'right' ? project.asOwner : { authorization: 'Bearer e30.e30.e30' }
}

type FuzzAnswer = Awaited<ReturnType<typeof ask>>

/** What is wrong with an answer; nothing where it keeps to the rules. */
function faultOf(route: FuzzedRoute, { status, headers, text }: FuzzAnswer): string | undefined {
  const shown = `${JSON.stringify(headers)}${text}`
  if (!lending.has(route.path) && shown.includes(planted)) return `shows the secret: ${status}`
  if (status < 400) return undefined
  if (shown.includes(sent)) return `repeats a value in an error: ${text}`
  // Node's own answer to headers beyond its limit; no handler of ours sees such a request.
  if (status === 431 && text === '') return undefined
  if (status === 404 && text === '{"reason":"not_found"}') return undefined
  if (!String(headers['content-type']).startsWith('application/problem+json'))
    return `is no problem+json: ${status} ${text}`
  const { code } = JSON.parse(text) as { code: ErrorCode }
  if (errorCodes[code]?.status !== status) return `has a code that does not fit: ${status} ${text}`
  if (status < 500 || code.startsWith('vault_')) return undefined
  if (code === 'decryption_failed' && ofForeignCiphertext.has(route.path)) return undefined
  return `is a fault of ours: ${status} ${text}`
}

/** Those that gave what they are there for, at least once. */
const served = new Set<FuzzedRoute>()

test.each(routes.map((route) => [`${route.method.toUpperCase()} ${route.path}`, route] as const))(
  '%s answers whatever it is sent without a fault of its own, in problem+json, and shows no secret',
  async (_, route) => {
    const { hints, ids } = await stored()
    const endsAt = performance.now() + allRoutesMs / routes.length
    await fc.assert(
      fc.asyncProperty(recipesFor(route, hints, ids), async (recipe) => {
        if (performance.now() > endsAt) return
        const answer = await ask(route, recipe)
        if (answer.status < 300) served.add(route)
        expect(faultOf(route, answer)).toBeUndefined()
      }),
      { numRuns: runsPerRoute, endOnFailure: true },
    )
    if (route.method !== 'get') kept = undefined
  },
)

test('the fuzz reached behind the checks: most routes served some of its requests', () => {
  expect(served.size).toBeGreaterThan(routes.length * 0.6)
})

test('after all that the broker serves as before, its log holds no secret and no prototype was reached', async () => {
  await plant()
  const lookup = await broker.internal('POST', '/internal/secrets/credential-lookup', {
    host: 'fuzzed-host',
    purpose: 'ssh',
  })
  expect([lookup.status, lookup.body.password]).toEqual([200, planted])
  expect((await broker.internal('GET', '/readyz', undefined, null)).status).toBe(200)
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  expect(broker.logged()).toContain('credential access')
  expect(broker.logged()).not.toContain(planted)
})
