import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { connectorKinds, connectorTopics, credentialTopics } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { listenForEvents, publishEvent } from '@opsconductor/events'
import { beginCheck, beginDueChecks, countConnectors, endCheck } from '../../src/monitoring/store.ts'
import { eventually, type Harness, startHarness } from '../harness.ts'
import { patch, remove } from '../setups.ts'
import {
  answerChecks,
  type Checks,
  connectivityOf,
  connectivityOnce,
  createConnector,
  makeDue,
  metricsOf,
  type Project,
  refused,
  well,
} from './connectors.ts'

let harness: Harness
let project: Project
let checks: Checks
let events: ReturnType<typeof listenForEvents>
const changed: string[] = []
beforeAll(async () => {
  harness = await startHarness()
  project = await harness.createProject()
  checks = answerChecks(harness)
  let follow = () => {}
  const following = new Promise<void>((resolve) => {
    follow = resolve
  })
  events = listenForEvents({
    connectionString: harness.deps.config.DATABASE_URL,
    onEvent: ({ topic, key }) => topic === connectorTopics.connectivityChanged && changed.push(key),
    onGap: follow,
    onError() {},
  })
  await following
})
afterAll(async () => {
  await events?.stop()
  await harness?.stop()
})

const stateOf = async (id: string) =>
  (
    await harness.owner.query('SELECT * FROM interface_registry.connector_states WHERE connector_id = $1', [
      id,
    ])
  ).rows[0]

test.each([
  ['001.23a', 'llm', { kind: 'http', method: 'GET', url: 'https://llm.example.com/v1/models' }],
  ['001.23b', 'external_agent', { kind: 'http', method: 'GET', url: 'https://agent.example.com/run' }],
  ['001.23c', 'datasource', { kind: 'http', method: 'GET', url: 'https://data.example.com/v2' }],
] as const)(
  '%s a connector of kind %s is checked as soon as it is there, then in its time',
  async (_, kind, check) => {
    const id = await createConnector(harness, project, { kind, check_every_seconds: 100 })
    const found = await connectivityOnce(harness, project, id, { status: 'ok' })
    expect(found).toEqual({
      status: 'ok',
      latency_ms: 7,
      checked_at: expect.any(String),
      last_success_at: found?.checked_at,
      failures: 0,
      code: null,
      reason: null,
    })
    expect(checks.askedOf(id)).toEqual([
      {
        check_id: expect.any(String),
        project_id: project.projectId,
        connector: { id, has_credential: false },
        check: expect.objectContaining(check),
      },
    ])
    const { checked_at, next_check_at, check_id } = await stateOf(id)
    const seconds = (next_check_at - checked_at) / 1000
    expect([seconds >= 90 && seconds <= 110, check_id]).toEqual([true, null])
    await makeDue(harness, id)
    await eventually(async () => (checks.askedOf(id).length === 2 ? true : undefined))
  },
)

test('001.23 a connector that fails says since when and why; going from ok to failing and back is told, once each', async () => {
  const id = await createConnector(harness, project, { check_every_seconds: 300 })
  const { last_success_at } = { ...(await connectivityOnce(harness, project, id, { status: 'ok' })) }
  checks.find(id, refused)
  for (const failures of [1, 2]) {
    await makeDue(harness, id)
    expect(await connectivityOnce(harness, project, id, { failures })).toMatchObject({
      status: 'failing',
      code: 'credential_refused',
      reason: 'The target refused the credential: it answered 401.',
      latency_ms: 9,
      last_success_at,
    })
  }
  checks.find(id, well)
  await makeDue(harness, id)
  expect(await connectivityOnce(harness, project, id, { status: 'ok' })).toMatchObject({
    failures: 0,
    code: null,
    reason: null,
  })
  const told = () => changed.filter((key) => key === id)
  await eventually(async () => (told().length >= 2 ? true : undefined))
  expect(told()).toEqual([id, id])
})

test('a connector that is changed while it is checked is checked again, and what the first check found is forgotten', async () => {
  const id = await createConnector(harness, project, { kind: 'datasource', check_every_seconds: 300 })
  await connectivityOnce(harness, project, id, { status: 'ok' })
  const release = checks.hold(id, refused)
  await makeDue(harness, id)
  await eventually(async () => checks.askedOf(id)[1])
  checks.find(id, well)
  const base_url = 'https://new.example.com'
  expect((await patch(harness, project, `/api/connectors/${id}`, { settings: { base_url } })).status).toBe(
    200,
  )
  const again = await eventually(async () => checks.askedOf(id)[2])
  expect(again.check).toMatchObject({ url: base_url })
  expect(await connectivityOnce(harness, project, id, { status: 'ok' })).toMatchObject({ failures: 0 })
  release()
  const ended = 'connector_checks_total{kind="datasource",outcome="credential_refused"} 1'
  await eventually(async () => ((await metricsOf(harness)).includes(ended) ? true : undefined))
  expect(await connectivityOf(harness, project, id)).toMatchObject({ status: 'ok', failures: 0 })
})

test('a connector that is deleted while it is checked leaves nothing', async () => {
  const id = await createConnector(harness, project, { kind: 'http_api', check_every_seconds: 300 })
  await connectivityOnce(harness, project, id, { status: 'ok' })
  const release = checks.hold(id)
  await makeDue(harness, id)
  await eventually(async () => checks.askedOf(id)[1])
  expect((await remove(harness, project, `/api/connectors/${id}`)).status).toBe(204)
  release()
  const ended = 'connector_checks_total{kind="http_api",outcome="ok"} 2'
  await eventually(async () => ((await metricsOf(harness)).includes(ended) ? true : undefined))
  expect(await stateOf(id)).toBeUndefined()
})

test('a connector that is deleted in the moment in which its check begins is not checked, and breaks nothing', async () => {
  const id = await createConnector(harness, project)
  const client = await harness.owner.connect()
  try {
    await client.query('BEGIN')
    await client.query('DELETE FROM interface_registry.connectors WHERE id = $1', [id])
    const beginning = beginCheck(harness.deps.pool, project.projectId, id)
    await eventually(async () => {
      const { rows } = await harness.owner.query(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      )
      return rows[0]
    })
    await client.query('COMMIT')
    expect(await beginning).toBeUndefined()
  } finally {
    client.release(true)
  }
})

test('a credential that is changed has what it opens checked at once', async () => {
  const [id, other] = [
    await createConnector(harness, project, { check_every_seconds: 3600 }),
    await createConnector(harness, project, { check_every_seconds: 3600 }),
  ]
  for (const one of [id, other]) await connectivityOnce(harness, project, one, { status: 'ok' })
  const credentialId = randomUUID()
  await harness.owner.query('UPDATE interface_registry.connectors SET credential_id = $2 WHERE id = $1', [
    id,
    credentialId,
  ])
  await publishEvent(harness.deps.pool, { topic: credentialTopics.credentialChanged, key: credentialId })
  await eventually(async () => checks.askedOf(id)[1])
  expect(checks.askedOf(other)).toHaveLength(1)
})

test('a credential that is refused again and again is tried less often, a quarter of an hour apart at most', async () => {
  const [often, seldom] = [
    await createConnector(harness, project, { check_every_seconds: 100 }),
    await createConnector(harness, project, { check_every_seconds: 3600 }),
  ]
  const pauseAfter = async (id: string, failures: number) => {
    await makeDue(harness, id)
    await connectivityOnce(harness, project, id, { failures })
    const { checked_at, next_check_at } = await stateOf(id)
    return (next_check_at - checked_at) / 1000
  }
  for (const id of [often, seldom]) {
    await connectivityOnce(harness, project, id, { status: 'ok' })
    checks.find(id, refused)
  }
  const pauses = []
  for (let failures = 1; failures <= 6; failures++) pauses.push(await pauseAfter(often, failures))
  const wanted = [100, 200, 400, 800, 900, 900]
  expect(pauses.map((pause, i) => Math.abs(pause / (wanted[i] ?? 0) - 1) < 0.11)).toEqual(
    wanted.map(() => true),
  )
  expect(Math.abs((await pauseAfter(seldom, 1)) / 3600 - 1)).toBeLessThan(0.11)
})

test('nothing is checked that is not active, or only on demand; made active, it is checked at once', async () => {
  const idle = await createConnector(harness, project, { check_every_seconds: 300, is_active: false })
  const asked = await createConnector(harness, project, { check_every_seconds: null })
  const other = await createConnector(harness, project, { check_every_seconds: 300 })
  await connectivityOnce(harness, project, other, { status: 'ok' })
  expect([...checks.askedOf(idle), ...checks.askedOf(asked)]).toEqual([])
  await patch(harness, project, `/api/connectors/${idle}`, { is_active: true })
  await patch(harness, project, `/api/connectors/${asked}`, { check_every_seconds: 60 })
  await connectivityOnce(harness, project, idle, { status: 'ok' })
  await connectivityOnce(harness, project, asked, { status: 'ok' })
})

test('at most eight connectors are checked at once, and the others after them', async () => {
  let underWay = 0
  let most = 0
  const waiting: (() => void)[] = []
  const ids = await Promise.all(Array.from({ length: 20 }, () => createConnector(harness, project)))
  for (const id of ids)
    checks.answer(id, async () => {
      most = Math.max(most, ++underWay)
      await new Promise<void>((resolve) => waiting.push(resolve))
      underWay--
      return well
    })
  for (const id of ids) await patch(harness, project, `/api/connectors/${id}`, { check_every_seconds: 300 })
  await eventually(async () => (waiting.length === 8 ? true : undefined))
  await eventually(async () => {
    for (const release of waiting.splice(0)) release()
    const left = ids.filter((id) => checks.askedOf(id).length === 0)
    return left.length === 0 && underWay === 0 ? true : undefined
  })
  expect(most).toBe(8)
})

test('of two processes that look at the same time only one begins the check of a connector', async () => {
  const replica = await harness.startReplica()
  try {
    const other = await harness.createProject()
    const ids = await Promise.all(Array.from({ length: 10 }, () => createConnector(harness, other)))
    await harness.owner.query(
      'UPDATE interface_registry.connectors SET check_every_seconds = 300 WHERE id = ANY($1)',
      [ids],
    )
    const { pool } = harness.deps
    const pools = Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? pool : replica.deps.pool))
    const begun = (await Promise.all(pools.map((one) => beginDueChecks(one, 100)))).flat()
    // The leader looks too.
    const timesOf = (id: string) =>
      begun.filter(({ connectorId }) => connectorId === id).length + checks.askedOf(id).length
    await eventually(async () => (ids.every((id) => timesOf(id) > 0) ? true : undefined))
    expect(ids.map(timesOf)).toEqual(ids.map(() => 1))
    for (const check of begun)
      await endCheck(pool, check, { status: 'ok', latencyMs: 1, code: null, reason: null }, 300)
  } finally {
    await replica.stop()
  }
})

test('a check whose process is lost is made again after half a minute, and not before', async () => {
  const id = await createConnector(harness, project, { check_every_seconds: 300 })
  await connectivityOnce(harness, project, id, { status: 'ok' })
  const loseCheck = (ago: string) =>
    harness.owner.query(
      `UPDATE interface_registry.connector_states SET check_id = gen_random_uuid(), next_check_at = now(),
         check_started_at = now() - $2::interval WHERE connector_id = $1`,
      [id, ago],
    )
  await loseCheck('5 seconds')
  expect((await beginDueChecks(harness.deps.pool, 100)).map(({ connectorId }) => connectorId)).not.toContain(
    id,
  )
  await loseCheck('31 seconds')
  harness.deps.monitor.look()
  await eventually(async () => checks.askedOf(id)[1])
})

test('where the executor is away what is known stays, and the check is made again within half a minute', async () => {
  const id = await createConnector(harness, project, { check_every_seconds: 3600 })
  const known = await connectivityOnce(harness, project, id, { status: 'ok' })
  checks.answer(id, async () => {
    throw new AppError('service_unavailable', 'The secrets broker did not answer in time.')
  })
  await makeDue(harness, id)
  await eventually(async () => {
    const { check_id, next_check_at } = await stateOf(id)
    const inSeconds = (next_check_at - Date.now()) / 1000
    return check_id === null && inSeconds > 10 && inSeconds <= 31 ? true : undefined
  })
  expect(await connectivityOf(harness, project, id)).toEqual(known)
})

test('a check that breaks the executor says nothing of the connector but that something is wrong with us', async () => {
  const id = await createConnector(harness, project, { check_every_seconds: 300 })
  const known = await connectivityOnce(harness, project, id, { status: 'ok' })
  checks.answer(id, async () => {
    throw new Error('a defect that quotes s3cret')
  })
  await makeDue(harness, id)
  expect(await connectivityOnce(harness, project, id, { status: 'unknown' })).toEqual({
    ...known,
    status: 'unknown',
    latency_ms: null,
    checked_at: expect.any(String),
    code: 'internal_error',
    reason: 'Something went wrong on our side.',
  })
  checks.find(id, refused)
  await makeDue(harness, id)
  await connectivityOnce(harness, project, id, { status: 'failing' })
  await eventually(async () => (changed.includes(id) ? true : undefined))
})

test('001.23 metrics count connectors and checks by kind, and name none', async () => {
  const mine = await harness.createProject()
  const id = await createConnector(harness, mine, { kind: 'tool', check_every_seconds: 300 })
  await connectivityOnce(harness, mine, id, { status: 'ok' })
  harness.deps.events.connectorsCounted(await countConnectors(harness.deps.pool))
  const text = await metricsOf(harness)
  expect(text).toMatch(/^connector_up\{kind="tool"\} 1$/m)
  expect(text).toMatch(/^connector_failing\{kind="tool"\} 0$/m)
  expect(text).toMatch(/^connector_checks_total\{kind="tool",outcome="ok"\} 1$/m)
  expect(text).toMatch(/^connector_check_duration_seconds_count\{kind="tool"\} 1$/m)
  const ours = text.split('\n').filter((line) => /^connector_/.test(line))
  const kinds = new Set(ours.map((line) => /kind="(\w+)"/.exec(line)?.[1]))
  expect([...kinds].sort()).toEqual([...connectorKinds].sort())
  expect(ours.join('\n')).not.toContain(id)
})

test('when the leader stops, a check that was under way is made by the next', async () => {
  const replica = await harness.startReplica()
  try {
    const id = await createConnector(harness, project, { check_every_seconds: 300 })
    await connectivityOnce(harness, project, id, { status: 'ok' })
    const release = checks.hold(id)
    await makeDue(harness, id)
    await eventually(async () => checks.askedOf(id)[1])
    await harness.deps.monitor.stop()
    checks.find(id, refused)
    await harness.deps.leadership.stop()
    await eventually(async () => ((await stateOf(id)).status === 'failing' ? true : undefined))
    release()
  } finally {
    await replica.stop()
  }
})

test('a project with many checks does not keep the others waiting', async () => {
  await harness.deps.monitor.stop()
  const [busy, quiet] = [await harness.createProject(), await harness.createProject()]
  const dueSince = async (owner: Project, hours: number) => {
    const id = await createConnector(harness, owner)
    await harness.owner.query(
      'UPDATE interface_registry.connectors SET check_every_seconds = 300 WHERE id = $1',
      [id],
    )
    await harness.owner.query(
      `INSERT INTO interface_registry.connector_states (connector_id, next_check_at) VALUES ($1, now() - $2 * interval '1 hour')`,
      [id, hours],
    )
    return id
  }
  const first = await dueSince(busy, 3)
  await dueSince(busy, 2)
  const ofQuiet = await dueSince(quiet, 1)
  const beginNext = async () => (await beginDueChecks(harness.deps.pool, 1))[0]?.connectorId
  expect([await beginNext(), await beginNext()]).toEqual([first, ofQuiet])
})
