import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createGrantVerifier, hashJson } from '@opsconductor/auth'
import { callDepthMax, grantIssuer, grantType } from '@opsconductor/contracts'
import { testInternalKey } from '@opsconductor/test-peers'
import {
  createLocalJWKSet,
  decodeProtectedHeader,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
} from 'jose'
import { asProject } from '../../src/acting-project.ts'
import { eventually, newSigningKey, send } from '../harness.ts'
import { type Pair, startWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.stop())

interface Granted {
  status: number
  body: Record<'grant' | 'expires_at' | 'code', string> & { target: object; admitted: boolean }
}

const inputHash = 'ab'.repeat(32)
const internal = async (path: string, body?: unknown, url = world.harness.internalUrl): Promise<Granted> =>
  (await send(url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'x-internal-key': testInternalKey },
    body,
  })) as unknown as Granted

/** What the executor asks for before a step calls. */
const askGrant = (reference: string, projectId: string, more: object = {}, url?: string) =>
  internal(
    `/internal/project-connectors/${reference}/grants`,
    {
      ...{ project_id: projectId, operation: 'call', input_sha256: inputHash, chain: [], seconds: 30 },
      ...{ run_id: randomUUID(), step_id: 'call', item: '', ...more },
    },
    url,
  )

const admit = (id: string, source: string, target: string, operation = 'call') =>
  internal(`/internal/project-connectors/${id}/admit`, {
    source_project_id: source,
    target_project_id: target,
    operation,
  })

async function verify(grant: string, audience: string, url?: string): Promise<JWTPayload> {
  const keys = (await internal('/internal/grants/jwks', undefined, url)).body as never
  const { payload } = await jwtVerify(grant, createLocalJWKSet(keys), {
    issuer: grantIssuer,
    audience,
    typ: grantType,
    algorithms: ['EdDSA'],
  })
  return payload
}

/** Answers when the registry has learnt of the change. */
async function change(pair: Pair, id: string, body: Record<string, unknown>): Promise<void> {
  const { status } = await world.ask(pair.asSource, 'PATCH', `/api/project-connectors/${id}`, body)
  expect(status).toBe(200)
  const { rows } = await world.harness.owner.query(
    `SELECT visibility, auth_config AS "authConfig", is_active AS "isActive"
     FROM interface_registry.project_connectors WHERE id = $1`,
    [id],
  )
  await eventually(async () => {
    const { visibility, authConfig, isActive } = await world.harness.deps.callPaths.find(id, pair.sourceId)
    return isDeepStrictEqual({ visibility, authConfig, isActive }, rows[0]) || undefined
  })
}

async function accesses(connectorId: string) {
  const { rows } = await world.harness.owner.query(
    `SELECT used_by_project_id, actor, run_id, step_id, success, reason
     FROM interface_registry.connector_access_log WHERE connector_id = $1 AND action = 'use' ORDER BY id`,
    [connectorId],
  )
  return rows
}

test('a grant says who calls what with which input, is signed with a published key and ends with the call; it is in the access log', async () => {
  const pair = await world.createPair()
  const input_schema = { type: 'object' }
  await world.ask(pair.asTarget, 'PATCH', `/api/interfaces/${pair.body.target_interface_id}`, {
    input_schema,
  })
  const { id, name } = (await pair.create()).body
  const runId = randomUUID()
  const before = Math.floor(Date.now() / 1000)
  const { status, body } = await askGrant(name, pair.sourceId, { run_id: runId, item: '0.1' })
  expect(status).toBe(200)
  const claims = await verify(body.grant, pair.targetId)
  expect(claims).toEqual({
    connector_id: id,
    interface_id: pair.body.target_interface_id,
    source_project_id: pair.sourceId,
    target_project_id: pair.targetId,
    operation: 'call',
    run_id: runId,
    step_id: 'call',
    item: '0.1',
    input_sha256: inputHash,
    chain: [pair.sourceId],
    iss: grantIssuer,
    aud: pair.targetId,
    iat: expect.any(Number),
    exp: Number(claims.iat) + 30,
    jti: expect.any(String),
  })
  expect(Number(claims.iat)).toBeGreaterThanOrEqual(before)
  expect(body.expires_at).toBe(new Date(Number(claims.exp) * 1000).toISOString())
  expect(body.target).toMatchObject({
    connector_id: id,
    connector: name,
    source_project_id: pair.sourceId,
    target_project_id: pair.targetId,
    nexus_endpoint_name: `oc-${id}`,
    call_seconds_max: 60,
    interface_type: 'update',
    callable_name: 'adjust',
    input_schema,
    workflow: { kind: 'workflow', workflow_type: 'entity', task_queue: 'own', job_id: null },
  })
  expect(await accesses(id)).toEqual([
    {
      used_by_project_id: pair.sourceId,
      actor: 'operator',
      run_id: runId,
      step_id: 'call',
      success: true,
      reason: null,
    },
  ])
  // No longer than the connector lets a call take.
  const long = await askGrant(id, pair.sourceId, { seconds: 3_600 })
  const { iat, exp } = await verify(long.body.grant, pair.targetId)
  expect(Number(exp) - Number(iat)).toBe(60)
})

test('whoever serves a call finds a grant good for this operation and input alone', async () => {
  const pair = await world.createPair()
  const { id } = (await pair.create()).body
  const input = { order: 7 }
  const { grant } = (await askGrant(id, pair.sourceId, { input_sha256: hashJson(input) })).body
  const verifyGrant = createGrantVerifier(
    async () => (await internal('/internal/grants/jwks')).body as unknown as JSONWebKeySet,
  )
  const call = { targetProjectId: pair.targetId, operation: 'call', input } as const
  expect(await verifyGrant(grant, call)).toMatchObject({ connector_id: id, source_project_id: pair.sourceId })
  // The server's own repetition.
  await expect(verifyGrant(grant, call)).resolves.toBeDefined()
  for (const other of [
    { ...call, input: { order: 8 } },
    { ...call, operation: 'start' as const },
    { ...call, targetProjectId: pair.sourceId },
  ])
    await expect(verifyGrant(grant, other)).rejects.toMatchObject({ code: 'call_not_allowed' })
})

test('a grant of another key, for another audience or of another type does not verify; one of the former key does', async () => {
  const pair = await world.createPair()
  const { id } = (await pair.create()).body
  const { grant } = (await askGrant(id, pair.sourceId)).body
  await expect(verify(grant, pair.sourceId)).rejects.toThrow(/aud/)
  expect(decodeProtectedHeader(grant)).toMatchObject({ alg: 'EdDSA', typ: grantType })
  const [head, claims, signature] = grant.split('.') as [string, string, string]
  const forged = Buffer.from(
    JSON.stringify({ ...JSON.parse(Buffer.from(claims, 'base64url').toString()), operation: 'start' }),
  ).toString('base64url')
  await expect(verify([head, forged, signature].join('.'), pair.targetId)).rejects.toThrow(/signature/)

  const [next, stranger] = [newSigningKey(), newSigningKey()]
  const other = await world.harness.startReplica({ GRANT_SIGNING_KEY: stranger })
  const changed = await world.harness.startReplica({
    GRANT_SIGNING_KEY: next,
    GRANT_SIGNING_KEY_PREVIOUS: stranger,
  })
  try {
    const foreign = (await askGrant(id, pair.sourceId, {}, other.internalUrl)).body.grant
    await expect(verify(foreign, pair.targetId)).rejects.toThrow(/key/)
    await expect(verify(foreign, pair.targetId, changed.internalUrl)).resolves.toBeDefined()
    const fresh = (await askGrant(id, pair.sourceId, {}, changed.internalUrl)).body.grant
    await expect(verify(fresh, pair.targetId, other.internalUrl)).rejects.toThrow(/key/)
  } finally {
    await Promise.all([other.stop(), changed.stop()])
  }
})

test.each([
  ['update', ['call', 'start']],
  ['signal', ['signal']],
  ['query', ['query']],
] as const)(
  'an interface of type %s is called by %j, started only where that is allowed',
  async (type, fitting) => {
    const pair = await world.createPair(type)
    const { id } = (await pair.create()).body
    const answers = async () => {
      const good: string[] = []
      for (const operation of ['call', 'signal', 'query', 'start']) {
        const { status, body } = await askGrant(id, pair.sourceId, { operation })
        const admitted = (await admit(id, pair.sourceId, pair.targetId, operation)).body.admitted
        expect(admitted).toBe(status === 200)
        if (status === 200) good.push(operation)
        else expect({ status, code: body.code }).toEqual({ status: 409, code: 'call_not_allowed' })
      }
      return good
    }
    expect(await answers()).toEqual(fitting.filter((operation) => operation !== 'start'))
    await change(pair, id, { auth_config: { allow_start: true } })
    expect(await answers()).toEqual(fitting)
  },
)

test('who may call: private the named projects, shared those with a person of both who answers for them, public any', async () => {
  const pair = await world.createPair()
  const { id, name } = (await pair.create()).body
  const [named, shared, viewed, stranger] = await Promise.all([1, 2, 3, 4].map(() => world.createProject()))
  await world.createPerson(
    { projectId: String(shared), role: 'admin' },
    { projectId: pair.targetId, role: 'viewer' },
  )
  // Whoever only looks into a project does not answer for it.
  await world.createPerson(
    { projectId: String(viewed), role: 'viewer' },
    { projectId: pair.targetId, role: 'owner' },
  )
  const who = async () => {
    const may: string[] = []
    for (const [label, projectId] of Object.entries({
      own: pair.sourceId,
      named,
      shared,
      viewed,
      stranger,
    })) {
      const { status, body } = await askGrant(id, String(projectId))
      const { admitted } = (await admit(id, String(projectId), pair.targetId)).body
      expect(admitted).toBe(status === 200)
      if (status === 200) may.push(label)
      else expect({ status, code: body.code }).toEqual({ status: 404, code: 'not_found' })
    }
    return may
  }
  expect(await who()).toEqual(['own'])
  await change(pair, id, { auth_config: { allowed_project_ids: [String(named).toUpperCase()] } })
  expect(await who()).toEqual(['own', 'named'])
  await change(pair, id, { visibility: 'shared' })
  expect(await who()).toEqual(['own', 'shared'])
  await change(pair, id, { visibility: 'public' })
  expect(await who()).toEqual(['own', 'named', 'shared', 'viewed', 'stranger'])
  // By name only its own project finds it; the target would call itself.
  expect(await askGrant(name, String(named))).toMatchObject({ status: 404 })
  expect(await askGrant(id, pair.targetId)).toMatchObject({ status: 409, body: { code: 'call_loop' } })
  const refused = (await accesses(id)).filter(({ success }) => !success)
  expect(refused).toContainEqual(
    expect.objectContaining({ used_by_project_id: stranger, reason: 'There is no such project connector.' }),
  )
})

test('002.33 a project that was refused as a stranger does not learn from the access log that the connector is there; its owner sees the attempt', async () => {
  const pair = await world.createPair()
  const { id } = (await pair.create()).body
  const strangerId = await world.createProject()
  const stranger = (await world.createPerson({ projectId: strangerId, role: 'owner' }))()
  expect(await askGrant(id, strangerId)).toMatchObject({ status: 404 })
  const logOf = (headers: Record<string, string>) =>
    world.ask(headers, 'GET', `/api/project-connectors/${id}/access-log`)
  expect(await logOf(stranger)).toMatchObject({ status: 404, body: { code: 'not_found' } })
  expect((await logOf(pair.asSource)).body.items[0]).toMatchObject({
    used_by_project_id: strangerId,
    success: false,
  })
  const { rowCount } = await asProject(world.harness.deps.pool, strangerId, (client) =>
    client.query('SELECT FROM interface_registry.connector_access_log'),
  )
  expect(rowCount).toBe(0)
  // The project that is called knows the connector, though it has done nothing with it.
  expect(await logOf(pair.asTarget)).toMatchObject({ status: 200, body: { items: [] } })
})

test('no grant leads into a project that is waiting, or waits deeper than allowed', async () => {
  const pair = await world.createPair()
  const { id } = (await pair.create()).body
  const ids = (count: number) => Array.from({ length: count }, () => randomUUID())
  const [first, ...rest] = ids(callDepthMax - 1)
  const deepest = await askGrant(id, pair.sourceId, { chain: [first, ...rest] })
  expect((await verify(deepest.body.grant, pair.targetId)).chain).toEqual([first, ...rest, pair.sourceId])
  const tooDeep = [ids(callDepthMax), [...ids(callDepthMax), pair.sourceId]]
  for (const chain of [...tooDeep, [pair.targetId], [pair.targetId, pair.sourceId]])
    expect(await askGrant(id, pair.sourceId, { chain })).toMatchObject({
      status: 409,
      body: { code: 'call_loop' },
    })
})

test('002.28 a connector that is switched off or deleted gives no grant and admits nothing, in every replica', async () => {
  const pair = await world.createPair()
  const { id } = (await pair.create()).body
  const second = await world.harness.startReplica()
  try {
    await eventually(async () =>
      (await askGrant(id, pair.sourceId, {}, second.internalUrl)).status === 200 ? true : undefined,
    )
    const refused = async (code: string) => {
      for (const url of [world.harness.internalUrl, second.internalUrl])
        await eventually(
          async () => (await askGrant(id, pair.sourceId, {}, url)).body.code === code || undefined,
        )
      await eventually(
        async () => (await admit(id, pair.sourceId, pair.targetId)).body.admitted === false || undefined,
      )
    }
    await change(pair, id, { is_active: false })
    await refused('call_not_allowed')
    await change(pair, id, { is_active: true })
    await world.ask(pair.asTarget, 'DELETE', `/api/project-connectors/${id}`)
    await refused('not_found')
  } finally {
    await second.stop()
  }
})

test('a connector whose endpoint is not there gives no grant, but what came through it is admitted', async () => {
  const pair = await world.createPair()
  const { id } = (await pair.create()).body
  await world.harness.owner.query(
    "UPDATE interface_registry.project_connectors SET state = 'failed', last_error = 'x' WHERE id = $1",
    [id],
  )
  expect(await askGrant(id, pair.sourceId)).toMatchObject({
    status: 409,
    body: { code: 'connector_not_ready' },
  })
  expect((await admit(id, pair.sourceId, pair.targetId)).body.admitted).toBe(true)
  expect((await admit(id, pair.sourceId, pair.sourceId)).body.admitted).toBe(false)
  expect((await admit(randomUUID(), pair.sourceId, pair.targetId)).body.admitted).toBe(false)
})

test('a worker of the project asks for grants with an API key, for runs that are never those of jobs', async () => {
  const pair = await world.createPair()
  const { id } = (await pair.create()).body
  const path = `/api/project-connectors/${id}/grants`
  const call = {
    operation: 'call',
    run_id: 'my-run',
    step_id: 'adjust',
    input_sha256: inputHash,
    seconds: 20,
  }
  const keyOf = (projectId: string, scopes: string[]) => ({
    'x-api-key': world.harness.keys.createKey({ projectId, scopes }),
  })
  const ask = async (headers: Record<string, string>, body: object = call) =>
    (await world.ask(headers, 'POST', path, body)) as unknown as Granted
  const { status, body } = await ask(keyOf(pair.sourceId, ['manage:project-calls']))
  expect(status).toBe(200)
  expect(await verify(body.grant, pair.targetId)).toMatchObject({
    run_id: 'worker:my-run',
    source_project_id: pair.sourceId,
    chain: [pair.sourceId],
  })
  expect(await ask(keyOf(pair.sourceId, ['manage:connectors']))).toMatchObject({ status: 403 })
  expect(await ask(keyOf(await world.createProject(), ['manage:project-calls']))).toMatchObject({
    status: 404,
  })
  expect(
    await ask(keyOf(pair.sourceId, ['manage:project-calls']), { ...call, project_id: pair.targetId }),
  ).toMatchObject({ status: 422 })
  const published = await send(`${world.harness.publicUrl}/api/project-connectors/jwks.json`)
  expect(published).toMatchObject({ status: 200, headers: { 'cache-control': 'public, max-age=60' } })
  expect(published.body).toEqual((await internal('/internal/grants/jwks')).body)
  expect(JSON.stringify(published.body)).not.toContain('"d"')
})

test.each([
  [{ seconds: 1e9 }],
  [{ seconds: 0 }],
  [{ input_sha256: 'x' }],
  [{ operation: 'delete' }],
  [{ chain: ['x'] }],
  [{ own: 1 }],
])('a request for a grant with %j is refused', async (wrong) => {
  expect(await askGrant('orders', randomUUID(), wrong)).toMatchObject({ status: 422 })
  expect(await askGrant('a%20b', randomUUID())).toMatchObject({ status: 404 })
})
