import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { hashJson } from '@opsconductor/auth'
import { generateKeyPair } from 'jose'
import type { Connector } from './grants-peer.ts'
import { startTwoProjects, type TwoProjects } from './two-projects.ts'

let projects: TwoProjects
let adding: Connector
let other: Connector
beforeAll(async () => {
  projects = await startTwoProjects()
  adding = await projects.addConnector({ callable_name: 'add' })
  other = await projects.addConnector({ callable_name: 'add' })
  await projects.executor.deps.workers.serve(projects.targetId)
}, 60_000)
afterAll(() => projects?.stop())

const input = { by: 1 }
const claimsOf = (connector: Connector, runId: string) => ({
  connector_id: connector.connector_id,
  interface_id: connector.interface_id,
  source_project_id: projects.sourceId,
  target_project_id: connector.target_project_id,
  operation: 'call' as const,
  run_id: runId,
  step_id: 'ask',
  item: '',
  input_sha256: hashJson(input),
  chain: [projects.sourceId],
})
const total = async () => ((await projects.ledger.handle.query('total')) as { total: number }).total
const refused = expect.objectContaining({ refused: 'call_not_allowed' })
const past = (grant: string, more: object = {}) =>
  projects.callPast({ endpoint: adding.nexus_endpoint_name, operation: 'call', grant, input, ...more })

test('002.33 a good grant opens its call, and the same again takes no effect twice', async () => {
  const before = await total()
  const grant = await projects.grants.sign(claimsOf(adding, 'workflow of a user'))
  expect(await past(grant)).toBe(before + 1)
  expect(await past(grant)).toBe(before + 1)
  expect(await total()).toBe(before + 1)
})

test('002.33 a run that has ended is not run again by the same grant: what it answered is the answer', async () => {
  const job = await projects.addJobConnector({
    steps: [{ id: 'say', type: 'set', input: { values: { said: true } } }],
    output: { said: '{{ steps.say.said }}' },
  })
  const grant = await projects.grants.sign(claimsOf(job, 'runs a job'))
  const endpoint = job.nexus_endpoint_name
  const outcome = { run_id: expect.any(String), status: 'succeeded', output: { said: true } }
  const first = await past(grant, { endpoint })
  expect(first).toEqual(outcome)
  expect(await past(grant, { endpoint })).toEqual(first)
  const runs = await projects.callTarget('GET', `/api/runs?job_id=${job.workflow.job_id}`)
  expect(runs.body.items).toHaveLength(1)
})

test('002.33 without a grant, or with one that is forged, expired, swapped or of another input, nothing is done', async () => {
  const before = await total()
  const claims = claimsOf(adding, 'another')
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' })
  const good = await projects.grants.sign(claims)
  for (const [grant, more] of [
    ['', {}],
    ['a.b.c', {}],
    [await projects.grants.sign(claims, 60, privateKey), {}],
    [await projects.grants.sign(claims, -10), {}],
    [await projects.grants.sign({ ...claims, target_project_id: projects.sourceId }), {}],
    [await projects.grants.sign(claimsOf(other, 'another')), {}],
    [good, { endpoint: other.nexus_endpoint_name }],
    [good, { input: { by: 2 } }],
    [good, { operation: 'start' }],
    [good.replace(/^[^.]+/, Buffer.from('{"alg":"none"}').toString('base64url')), {}],
  ] as const)
    expect(await past(grant, more)).toEqual(refused)
  expect(await projects.callPast({ ...callOf(good), operation: 'ping' })).toEqual(refused)
  expect(await total()).toBe(before)
}, 30_000)

const callOf = (grant: string) => ({
  endpoint: other.nexus_endpoint_name,
  operation: 'call' as const,
  grant,
  input,
})

test('002.33 a refusal is logged and counted, and leaves no trace in the calls of the project', async () => {
  const { lines, deps } = projects.executor
  lines.length = 0
  await past('a.b.c')
  const line = lines
    .map((text) => JSON.parse(text))
    .find(({ msg }) => msg === 'call of another project refused')
  expect(line).toMatchObject({ project_id: projects.targetId, operation: 'call', code: 'call_not_allowed' })
  expect(await deps.metrics.registry.metrics()).toContain(
    'connector_calls_refused_total{operation="call",code="call_not_allowed"}',
  )
})

test('002.33 a connector that is taken back admits nothing a second later, whatever grants are about', async () => {
  const taken = await projects.addConnector({ callable_name: 'add' })
  const claims = claimsOf(taken, 'taken')
  const endpoint = taken.nexus_endpoint_name
  expect(await past(await projects.grants.sign(claims), { endpoint })).toEqual(expect.any(Number))
  projects.grants.connectors.set(taken.connector_id, { ...taken, admitRefusal: 'It was taken back.' })
  await projects.executor.deps.pool.query(`SELECT pg_notify('opsconductor_events', $1)`, [
    JSON.stringify({ topic: 'project_connector.changed', key: taken.connector_id }),
  ])
  const grant = await projects.grants.sign({ ...claims, run_id: 'after' })
  const before = Date.now()
  let answer = await past(grant, { endpoint })
  while (JSON.stringify(answer) !== '{"refused":"call_not_allowed","message":"It was taken back."}') {
    expect(Date.now() - before).toBeLessThan(10_000)
    answer = await past(grant, { endpoint })
  }
}, 30_000)

test('002.33 a workflow of a user gets no grant by naming the activity of runs', async () => {
  const place = { runId: 'any', position: 0, stepId: 'ask', type: 'project.call' }
  const asked = { connector: adding.connector, operation: 'call', input, chain: [], timeoutSeconds: 60 }
  await projects.executor.deps.workers.serve(projects.sourceId)
  expect(await projects.callActivity('beginCall', [place, asked])).toBe('forbidden')
  expect(
    await projects.callActivity('endCall', [place, 'call', { connectorId: adding.connector_id }, {}]),
  ).toBe('forbidden')
})

test('an input of 1 MB that comes past the platform is served; one that fits no schema in depth is refused', async () => {
  const noting = await projects.addConnector({ interface_type: 'signal', callable_name: 'note' })
  const send = async (given: unknown, hashed: unknown) => {
    const claims = {
      ...claimsOf(noting, 'large'),
      operation: 'signal' as const,
      input_sha256: hashJson(hashed),
    }
    const grant = await projects.grants.sign(claims)
    const endpoint = noting.nexus_endpoint_name
    return await projects.callPast({ endpoint, operation: 'signal', grant, input: given })
  }
  const large = { text: 'x'.repeat(1_000_000) }
  expect(await send(large, large)).toBeNull()
  const notes = ((await projects.ledger.handle.query('total')) as { notes: string[] }).notes
  expect(notes.at(-1)).toHaveLength(1_000_000)
  const deep = JSON.parse('['.repeat(500) + ']'.repeat(500))
  expect(await send(deep, null)).toMatchObject({ refused: 'validation_failed' })
}, 30_000)
