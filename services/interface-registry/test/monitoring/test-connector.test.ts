import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { CheckResult } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { testInternalKey } from '@opsconductor/test-peers'
import type { CheckRequest } from '../executor-peer.ts'
import { eventually, type Harness, send, startHarness } from '../harness.ts'
import { get, patch, post } from '../setups.ts'
import {
  answerChecks,
  type Checks,
  connectivityOf,
  connectivityOnce,
  createConnector,
  type Project,
  refused,
  well,
} from './connectors.ts'

let harness: Harness
let project: Project
let checks: Checks
beforeAll(async () => {
  harness = await startHarness()
  project = await harness.createProject()
  checks = answerChecks(harness)
})
afterAll(() => harness?.stop())

const testOf = (id: string, by: Project = project) => post(harness, by, `/api/connectors/${id}/test`, {})
const list = async (by: Project, query: string) =>
  (await get(harness, by, `/api/monitoring/connectivity?${query}`)).body

test('001.23 a test on demand answers what was found now, and the list has it from then on', async () => {
  const id = await createConnector(harness, project, { kind: 'external_agent' })
  expect(await connectivityOf(harness, project, id)).toMatchObject({ status: 'unknown', checked_at: null })
  const first = await testOf(id)
  expect([first.status, first.body]).toEqual([
    200,
    {
      status: 'ok',
      latency_ms: 7,
      checked_at: expect.any(String),
      last_success_at: expect.any(String),
      failures: 0,
      code: null,
      reason: null,
    },
  ])
  expect(await connectivityOf(harness, project, id)).toEqual(first.body)
  checks.find(id, refused)
  expect((await testOf(id)).body).toMatchObject({
    status: 'failing',
    code: 'credential_refused',
    reason: 'The target refused the credential: it answered 401.',
    failures: 1,
  })
  const { rows } = await harness.owner.query(
    "SELECT actor, success FROM interface_registry.connector_access_log WHERE connector_id = $1 AND action = 'test'",
    [id],
  )
  expect(rows).toEqual(Array(2).fill({ actor: expect.stringMatching(/^user:/), success: true }))
})

test('002.17 what opens a connector is lent to its own check, while it is under way, and to no other', async () => {
  const id = await createConnector(harness, project)
  await harness.owner.query('UPDATE interface_registry.connectors SET credential_id = $2 WHERE id = $1', [
    id,
    randomUUID(),
  ])
  const bind = async (checkId: string | undefined, projectId = project.projectId) =>
    (
      await send(`${harness.internalUrl}/internal/connectors/${id}/bind`, {
        method: 'POST',
        headers: { 'x-internal-key': testInternalKey },
        body: { project_id: projectId, check_id: checkId },
      })
    ).body as unknown as { allowed: boolean }
  const seen: boolean[] = []
  const lend = async ({ check_id, connector }: CheckRequest): Promise<CheckResult> => {
    expect(connector).toEqual({ id, has_credential: true })
    const other = await harness.createProject()
    for (const answer of [
      await bind(randomUUID()),
      await bind(check_id, other.projectId),
      await bind(check_id.toUpperCase()),
      await bind(check_id),
    ])
      seen.push(answer.allowed)
    return well
  }
  checks.answer(id, lend)
  expect((await testOf(id)).status).toBe(200)
  expect(seen).toEqual([false, false, true, true])
  expect((await bind(checks.askedOf(id)[0]?.check_id)).allowed).toBe(false)
})

test("another project's connector is not there to be tested, also one that it shares", async () => {
  const other = await harness.createProject()
  const id = await createConnector(harness, project)
  expect((await testOf(id, other)).status).toBe(404)
  const shared = await post(harness, project, `/api/connectors/${id}/shares`, { project_id: other.projectId })
  expect(shared.status).toBe(201)
  expect((await testOf(id, other)).status).toBe(404)
  expect((await testOf(randomUUID())).status).toBe(404)
  expect((await testOf('not-an-id')).status).toBe(404)
  expect(checks.askedOf(id)).toEqual([])
})

test('a connector that is not active is not tested', async () => {
  const id = await createConnector(harness, project, { is_active: false })
  expect(await testOf(id)).toMatchObject({ status: 409, body: { code: 'conflict' } })
  expect(checks.askedOf(id)).toEqual([])
})

test('a connector is tested five times within a minute, then 429 says how long to wait', async () => {
  const id = await createConnector(harness, await harness.createProject())
  const owner = await harness.createProject()
  const mine = await createConnector(harness, owner)
  const statuses = []
  for (let i = 0; i < 6; i++) statuses.push(await testOf(mine, owner))
  expect(statuses.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429])
  expect(Number(statuses.at(-1)?.headers['retry-after'])).toBeGreaterThan(0)
  expect(checks.askedOf(mine)).toHaveLength(5)
  expect(checks.askedOf(id)).toEqual([])
})

test('a test waits for a check that is under way, and then makes its own: never two of a connector at once', async () => {
  const id = await createConnector(harness, project)
  let underWay = 0
  let most = 0
  checks.answer(id, async () => {
    most = Math.max(most, ++underWay)
    await new Promise((resolve) => setImmediate(resolve))
    underWay--
    return well
  })
  const answers = await Promise.all([testOf(id), testOf(id), testOf(id)])
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  expect([most, checks.askedOf(id).length]).toEqual([1, 3])
})

test('a connector that is changed while it is tested answers nothing of what it was', async () => {
  const id = await createConnector(harness, project)
  const release = checks.hold(id, refused)
  const testing = testOf(id)
  await eventually(async () => checks.askedOf(id)[0])
  await patch(harness, project, `/api/connectors/${id}`, {
    settings: { base_url: 'https://new.example.com', model: 'm' },
  })
  release()
  expect(await testing).toMatchObject({ status: 409, body: { code: 'conflict' } })
  expect(await connectivityOf(harness, project, id)).toMatchObject({ status: 'unknown', failures: 0 })
})

test('where the executor is away a test is 503, and says nothing of the connector', async () => {
  const id = await createConnector(harness, project)
  checks.answer(id, async () => {
    throw new AppError('service_unavailable', 'The secrets broker did not answer in time.')
  })
  expect(await testOf(id)).toMatchObject({ status: 503, body: { code: 'service_unavailable' } })
  expect(await connectivityOf(harness, project, id)).toMatchObject({ status: 'unknown', checked_at: null })
})

test('001.23 the list has own and shared connectors, by kind and status, in pages, and nothing of settings or credentials', async () => {
  const [mine, theirs] = [await harness.createProject(), await harness.createProject()]
  const llm = await createConnector(harness, mine, { check_every_seconds: 300 })
  const agent = await createConnector(harness, mine, { kind: 'external_agent' })
  const shared = await createConnector(harness, theirs, { kind: 'datasource' })
  const hidden = await createConnector(harness, theirs)
  await post(harness, theirs, `/api/connectors/${shared}/shares`, { project_id: mine.projectId })
  checks.find(agent, refused)
  await testOf(agent, mine)
  await connectivityOnce(harness, mine, llm, { status: 'ok' })
  const ids = async (query: string) => (await list(mine, query)).items.map(({ id }) => id)
  expect(await ids('')).toEqual([shared, agent, llm])
  expect(await ids('kind=external_agent')).toEqual([agent])
  expect(await ids('status=ok')).toEqual([llm])
  expect(await ids('status=failing')).toEqual([agent])
  expect(await ids('status=unknown')).toEqual([shared])
  const first = await list(mine, 'limit=2')
  expect(first.items.map(({ id }) => id)).toEqual([shared, agent])
  expect(await ids(`limit=2&cursor=${first.next_cursor}`)).toEqual([llm])
  expect(first.items[0]).toEqual({
    id: shared,
    project_id: theirs.projectId,
    name: expect.any(String),
    display_name: expect.any(String),
    kind: 'datasource',
    is_active: true,
    is_shared: true,
    connectivity: expect.objectContaining({ status: 'unknown' }),
  })
  expect(await ids(`limit=1&cursor=${hidden}`)).toEqual([])
  for (const query of ['kind=ftp', 'status=good', 'limit=0', 'cursor=x'])
    expect((await get(harness, mine, `/api/monitoring/connectivity?${query}`)).status).toBe(400)
})
