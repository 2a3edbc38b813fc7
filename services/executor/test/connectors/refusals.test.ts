import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { connectorTopics } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { publishEvent } from '@opsconductor/events'
import { testInternalKey } from '@opsconductor/test-peers'
import { createJob, type ExecutorUnderTest, runToEnd, startExecutor } from '../support/executor.ts'
import { sendJson, startTarget } from '../support/target-server.ts'
import { bearer, canary, connect, runSteps } from './connected.ts'

let executor: ExecutorUnderTest
let target: Awaited<ReturnType<typeof startTarget>>
let elsewhere: Awaited<ReturnType<typeof startTarget>>
const owner = randomUUID()

beforeAll(async () => {
  ;[executor, target, elsewhere] = await Promise.all([
    startExecutor(),
    startTarget((_, response) => sendJson(response, { ok: true })),
    startTarget((_, response) => sendJson(response, { ok: false })),
  ])
  await executor.open(target.port, elsewhere.port)
}, 60_000)
afterAll(async () => {
  await executor?.stop()
  await Promise.all([target?.close(), elsewhere?.close()])
})

const get = (connector: string, input: object = { url: '/x' }, more: object = {}) => ({
  ...{ id: 'get', type: 'http.get', connector, input },
  ...more,
})
const api = (more: object = {}, opener = bearer) =>
  connect(executor, 'http_api', { base_url: `${target.url}/api` }, opener, more)

/** The faults of a job of this one step, by what of the step they name. */
async function faultsOf(step: object): Promise<Record<string, string>> {
  const job = { name: `job ${randomUUID()}`, steps: [step] }
  const { status, body } = await executor.call('POST', '/api/jobs', job)
  const validated = await executor.call('POST', '/api/jobs/validate', job)
  const errors = (body.errors ?? []) as { path: string; message: string }[]
  expect(validated.body).toEqual({ valid: status === 201, errors })
  const dryRun = await executor.call('POST', '/api/jobs/dry-run', { definition: { steps: [step] } })
  if (status === 422 && dryRun.status === 200)
    expect(dryRun.body.errors.map(({ path }: { path: string }) => path)).toEqual(
      expect.arrayContaining(
        errors
          .filter(({ path }) => !path.endsWith('credential'))
          .map(({ path }) => path.replace('body', 'body.definition')),
      ),
    )
  return Object.fromEntries(errors.map(({ path, message }) => [path.replace('body.steps[0].', ''), message]))
}

test('a step that names a connector has no credential of its own, and its connector is no template', async () => {
  const { name } = api()
  executor.broker.add({ projectId: executor.projectId, name: 'mine', ...bearer })
  expect(await faultsOf(get(name))).toEqual({})
  expect(await faultsOf(get(name, undefined, { credential: 'mine' }))).toEqual({
    credential: 'must not be given beside connector, which has its own',
  })
  for (const connector of ['{{ input.connector }}', 'a b', '../x', '', 'é'])
    expect(Object.keys(await faultsOf(get(connector)))).toEqual(['connector'])
})

test('002.15 another project’s connector is as unknown as one that is not there, by name and by id, until it is shared; then by its id alone', async () => {
  const theirs = api({ owner })
  const unknown = {
    connector: 'is not an active connector of this project, nor one that is shared with it',
  }
  for (const reference of ['nothing', randomUUID(), theirs.name, theirs.id])
    expect(await faultsOf(get(reference))).toEqual(unknown)
  theirs.sharedWith.push(executor.projectId)
  expect(await faultsOf(get(theirs.id))).toEqual({})
  expect(await faultsOf(get(theirs.name))).toEqual(unknown)
})

test('a connector of a kind that the step type does not take is refused, and one without the credential that it needs', async () => {
  const database = connect(
    executor,
    'database',
    { read_only: true },
    { type: 'db_dsn', secret: { dsn: 'x' } },
  )
  expect(Object.keys(await faultsOf(get(database.name)))).toEqual(['connector'])
  const execute = { id: 'sql', type: 'sql.execute', connector: database.name, input: { sql: 'SELECT 1' } }
  expect(await faultsOf(execute)).toEqual({ connector: 'is read-only: only sql.query takes it' })
  const open = connect(executor, 'ssh_host', { host: 'web-01.example.com' })
  expect(
    await faultsOf({ id: 'ssh', type: 'ssh.exec', connector: open.name, input: { command: 'ls' } }),
  ).toEqual({
    connector: 'has no credential, and ssh.exec needs one',
  })
  const { name } = api()
  const durable = { id: 'hook', type: 'webhook.call', connector: name, input: { url: '/x', payload: {} } }
  expect(Object.keys(await faultsOf(durable))).toContain('connector')
})

test('the input is held against the step type with what the connector says in it, and a fault is named where it is', async () => {
  const { name } = api()
  expect(await faultsOf(get(name, { url: '{{ input.shop }}/orders' }))).toEqual({})
  expect(await faultsOf(get(name, { url: '/x', surplus: 1 }))).toHaveProperty('input')
  expect(await faultsOf(get(name, { url: '/x', query: 7 }))).toHaveProperty(['input.query'])
  const { body } = await executor.call('POST', '/api/jobs/dry-run', {
    definition: { steps: [get(name, { url: '/{{ input.id }}' })] },
    input: { id: 'ä b' },
  })
  expect([body.ok, body.steps[0].connector, body.steps[0].input.value.url]).toEqual([
    true,
    name,
    `${target.url}/api/%C3%A4%20b`,
  ])
})

const hostile: Record<string, unknown> = {
  climbs: '/../admin',
  climbs_decoded: '/%2e%2e/admin',
  climbs_decoded_twice: '/%252e%252e/admin',
  climbs_in_a_segment: '/a%2f..%2f..%2fadmin',
  full_width_dots: '/．．/admin',
  overlong_dots: '/%c0%ae%c0%ae/admin',
  other_host: '//127.0.0.1/x',
  other_address: 'http://evil.example.com/x',
  backslashes: '\\\\evil.example.com\\x',
  climbing_backslash: '/..\\..\\admin',
  line_break: '/x\r\nHost: evil',
  parameter_of_a_segment: '/..;/admin',
  no_text: { toString: 'x' },
}

test('a path does not leave the base URL, however it is written: neither when a job is saved, nor from a run’s input', async () => {
  const { name } = api()
  for (const [what, url] of Object.entries(hostile))
    expect([what, ...Object.keys(await faultsOf(get(name, { url })))]).toEqual([what, 'input.url'])
  const before = [target.received.length, elsewhere.received.length]
  const run = await runSteps(
    executor,
    Object.keys(hostile).map((id) => ({
      ...get(name, { url: `{{{ input.${id} }}}` }, { continue_on_error: true }),
      id,
    })),
    hostile,
  )
  const codes = run.steps.map(({ step_id, error }) => [step_id, error?.code])
  expect(codes).toEqual(Object.keys(hostile).map((id) => [id, 'validation_failed']))
  expect([target.received.length, elsewhere.received.length]).toEqual(before)
})

test('an address with a user in it, or of a host that begins like ours, is a path like any other or refused', async () => {
  const { name } = api()
  for (const url of ['@evil.example.com/', '.evil.example.com', ':81@evil.example.com'])
    expect((await runSteps(executor, [get(name, { url })])).status).toBe('succeeded')
  expect(target.received.slice(-3).map(({ url }) => url)).toEqual([
    '/api/@evil.example.com/',
    '/api/.evil.example.com',
    '/api/:81@evil.example.com',
  ])
})

test('neither settings nor input say who calls: the credential’s header stands', async () => {
  const { name } = api()
  const headers = { AUTHORIZATION: 'Bearer other', 'X-Other': 'x' }
  const run = await runSteps(executor, [get(name, { url: '/x', headers })])
  expect(run.status).toBe('succeeded')
  expect(target.received.at(-1)?.headers).toMatchObject({ authorization: `Bearer ${canary}`, 'x-other': 'x' })
  for (const header of ['Host', 'Proxy-Authorization', 'Transfer-Encoding'])
    expect(await faultsOf(get(name, { url: '/x', headers: { [header]: 'x' } }))).not.toEqual({})
})

test('a field that is the connector’s alone is refused in an input', async () => {
  const model = connect(executor, 'llm', { base_url: target.url, model: 'small' }, bearer)
  const step = { id: 'ask', type: 'llm.call', connector: model.name }
  const messages = [{ role: 'user', content: 'why?' }]
  expect(await faultsOf({ ...step, input: { messages, base_url: elsewhere.url } })).toEqual({
    'input.base_url': 'is what the connector says',
  })
  expect(await faultsOf({ ...step, input: { messages, model: 'large' } })).toEqual({})
})

test('who was given a connector cannot listen on the way to it: no bastion, no proxy, no certificate of their own', async () => {
  const { id } = api({ owner, sharedWith: [executor.projectId] })
  const others = "must not be given: the connector is another project's"
  executor.broker.add({
    projectId: executor.projectId,
    name: 'login',
    type: 'ssh',
    secret: { password: 'abcdefgh' },
  })
  const bastion = { name: 'mine', host: '127.0.0.1', port: elsewhere.port, credential: 'login' }
  expect((await executor.call('POST', '/api/bastions', bastion)).status).toBe(201)
  expect(await faultsOf(get(id, undefined, { via: ['mine'] }))).toEqual({ via: others })
  expect(await faultsOf(get(id, { url: '/x', proxy: elsewhere.url }))).toEqual({ 'input.proxy': others })
  expect(await faultsOf(get(id, { url: '/x', tls: { verify: false } }))).toHaveProperty(['input.tls.verify'])
  // What is not known when the job is saved is held against the same when it runs.
  const steps = [get(id, { url: '/x', tls: '{{ input.tls }}' })]
  const run = await runSteps(executor, steps, { tls: { verify: false } })
  expect(run.error).toMatchObject({
    code: 'validation_failed',
    message: "input.tls.verify must be true: the connector is another project's.",
  })
  expect(elsewhere.received).toEqual([])
})

/** Tells the executor, as the registry does, that the connector changed; resolves when it cannot be found there any more. */
async function untilGone({ id }: { id: string }, reference: string): Promise<void> {
  await publishEvent(executor.deps.pool as never, { topic: connectorTopics.connectorChanged, key: id })
  const isKnown = () =>
    executor.deps.connectorOf(executor.projectId, reference).then(
      () => true,
      () => false,
    )
  while (await isKnown());
}

test('002.17 a share that is taken back stops the next step, which reaches nothing', async () => {
  const theirs = api({ owner, sharedWith: [executor.projectId] })
  const job = await createJob(executor, { steps: [get(theirs.id)] })
  expect((await runToEnd(executor, job.id)).status).toBe('succeeded')
  theirs.sharedWith.splice(0)
  await untilGone(theirs, theirs.id)
  const before = [target.received.length, executor.broker.lent.length]
  expect((await runToEnd(executor, job.id)).error).toMatchObject({
    code: 'step_failed',
    message: 'The connector is not there, not active, or not shared with this project (any more).',
  })
  expect([target.received.length, executor.broker.lent.length]).toEqual(before)
})

test('what opens a connector since it was moved is not sent to where it was before', async () => {
  const connector = connect(executor, 'http_api', { base_url: elsewhere.url }, bearer)
  const steps = [get(connector.name)]
  expect((await runSteps(executor, steps)).status).toBe('succeeded')
  const before = [elsewhere.received.length, target.received.length]
  // Moved after the step has asked where it is, and before it is lent what opens it.
  executor.broker.onLend(async () => {
    executor.broker.onLend(async () => {})
    Object.assign(connector, { version: '2', settings: { base_url: target.url } })
  })
  const { id } = executor.broker.add({ projectId: executor.projectId, name: randomUUID(), ...bearer })
  executor.broker.openConnector(connector.id, id, '2')
  expect((await runSteps(executor, steps)).status).toBe('succeeded')
  expect([elsewhere.received.length, target.received.length]).toEqual([before[0], Number(before[1]) + 1])
})

test('while the registry is away a step waits for it, and nothing is saved that was not checked', async () => {
  const connector = api()
  const job = await createJob(executor, { steps: [get(connector.name)] })
  let refusals = Number.POSITIVE_INFINITY
  executor.registry.onResolve(async () => {
    if (refusals-- > 0) throw new AppError('service_unavailable', 'away')
  })
  const unchecked = { name: randomUUID(), steps: [get(randomUUID())] }
  expect((await executor.call('POST', '/api/jobs', unchecked)).status).toBe(503)
  await untilGone(connector, connector.name)
  refusals = 3
  expect((await runToEnd(executor, job.id)).status).toBe('succeeded')
  expect(refusals).toBeLessThan(0)
})

test('a run whose connector has no credential any more fails with a sentence that says so', async () => {
  const connector = api()
  executor.broker.openConnector(connector.id, randomUUID())
  const run = await runSteps(executor, [get(connector.name)])
  expect(run.error).toMatchObject({
    code: 'step_failed',
    message: 'The connector has no credential (any more) that could be lent.',
  })
})

test('a target that the outbound policy denies stays denied behind a connector', async () => {
  const inward = connect(executor, 'datasource', { base_url: 'http://127.0.0.1:5/' }, bearer)
  const run = await runSteps(executor, [get(inward.name)])
  expect(run.error?.code).toBe('outbound_denied')
})

test('a run names its steps’ connectors to the broker as they are written', async () => {
  const connector = api()
  const run = await runSteps(executor, [
    { id: 'each', type: 'for_each', input: { items: [1] }, steps: [get(connector.id)] },
    { id: 'plain', type: 'set', input: { values: {} } },
  ])
  const pinned = await fetch(`${executor.internalUrl}/internal/runs/${run.id}`, {
    headers: { 'x-internal-key': testInternalKey },
  })
  expect(((await pinned.json()) as { steps: object[] }).steps).toEqual([
    { id: 'each', type: 'for_each', credentials: [] },
    { id: 'plain', type: 'set', credentials: [] },
    { id: 'get', type: 'http.get', credentials: [], connector: connector.id },
  ])
})
