import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { type Call, createCaller, must, signIn } from '../src/client.ts'
import { type Platform, startPlatform, waitFor } from '../src/platform.ts'
import { createKey, createProject, type Published, publishJob } from '../src/publish.ts'
import { startTargetServer, type TargetServer } from '../src/target-server.ts'

jest.setTimeout(240_000)

interface RunOfList {
  id: string
  job_id: string
  status: string
}

interface ConnectorCallOfList {
  connector: string
  operation: string
  outcome: string
  side: string
}

let platform: Platform
let target: TargetServer
/** The management API in each of three projects: `a` calls, `b` and `c` are called. */
let a: Call
let b: Call
let c: Call
let adjustJob: string
let longJob: string
let published: Published
let key: string
let targetDelayMs = 0

beforeAll(async () => {
  platform = await startPlatform(20_000)
  target = await startTargetServer((_request, response) => {
    setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'), targetDelayMs)
  })
  const admin = await signIn(platform)
  const ids = await Promise.all(['caller', 'updated', 'queried'].map((name) => createProject(admin, name)))
  const [idA, idB, idC] = ids as [string, string, string]
  a = await signIn(platform, idA)
  b = await signIn(platform, idB)
  c = await signIn(platform, idC)
  const allow = [{ cidr: '127.0.0.1/32', ports: [target.port] }]
  await must(b('PUT', '/api/outbound-policy', { body: { allow } }))

  const adjust = await exposeJob(b, {
    name: 'adjust',
    input_schema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
    steps: [
      {
        id: 'put',
        type: 'http.put',
        input: { url: `${target.url}/adjust`, json: { text: '{{ input.text }}' } },
      },
    ],
    output: { adjusted: '{{ input.text }}' },
  })
  adjustJob = adjust.jobId
  const long = await exposeJob(b, {
    name: 'long',
    steps: [{ id: 'wait', type: 'wait', input: { seconds: 3_600 } }],
  })
  longJob = long.jobId
  const state = await exposeJob(
    c,
    { name: 'state', steps: [{ id: 'say', type: 'set', input: { values: { ready: true } } }] },
    { name: 'status', interface_type: 'query', callable_name: 'status' },
  )
  await connect('adjust', idB, adjust)
  await connect('long', idB, long, { allow_start: true, call_seconds_max: 3_600 })
  await connect('state', idC, state)

  published = await publishJob(a, {
    name: 'orchestrate',
    input_schema: { type: 'object', properties: { text: { type: 'string' }, run_id: { type: 'string' } } },
    steps: [
      {
        id: 'update',
        type: 'project.call',
        input: { connector: 'adjust', input: { text: '{{ input.text }}' } },
      },
      {
        id: 'read',
        type: 'project.query',
        if: { value: '{{ input.run_id }}', exists: true },
        input: { connector: 'state', input: { run_id: '{{ input.run_id }}' } },
      },
      {
        id: 'long',
        type: 'project.start',
        if: { value: '{{ input.run_id }}', exists: true },
        input: { connector: 'long', input: {} },
        timeout_seconds: 3_600,
      },
    ],
    output: '{{ steps.update }}',
  })
  key = (await createKey(a, 'client')).key
})
afterAll(async () => {
  await target?.close()
  await platform?.stop()
})

interface Exposed {
  jobId: string
  workflowId: string
  interfaceId: string
}

async function exposeJob(
  api: Call,
  job: { name: string } & Record<string, unknown>,
  callable: Record<string, unknown> = { name: 'run', interface_type: 'update', callable_name: 'run' },
): Promise<Exposed> {
  const { id: jobId } = await must(api<{ id: string }>('POST', '/api/jobs', { body: job }))
  const body = { name: job.name, job_id: jobId }
  const { id: workflowId } = await must(api<{ id: string }>('POST', '/api/workflows', { body }))
  const made = await must(
    api<{ id: string }>('POST', `/api/workflows/${workflowId}/interfaces`, { body: callable }),
  )
  return { jobId, workflowId, interfaceId: made.id }
}

async function connect(name: string, targetProjectId: string, exposed: Exposed, authConfig: object = {}) {
  const { id } = await must(
    a<{ id: string }>('POST', '/api/project-connectors', {
      body: {
        name,
        target_project_id: targetProjectId,
        target_service_id: exposed.workflowId,
        target_interface_id: exposed.interfaceId,
        auth_config: authConfig,
      },
    }),
  )
  await waitFor(`the endpoint of ${name}`, 30_000, async () => {
    const { state } = await must(a<{ state: string }>('GET', `/api/project-connectors/${id}`))
    return state === 'ready'
  })
}

const runsOf = async (api: Call, jobId: string): Promise<RunOfList[]> =>
  (await must(api<{ items: RunOfList[] }>('GET', `/api/runs?job_id=${jobId}&limit=200`))).items

const call = (body: unknown, idempotencyKey: string) =>
  createCaller(published.url, { 'x-api-key': key, 'idempotency-key': idempotencyKey })(
    'POST',
    published.url,
    {
      body,
    },
  )

/** The same call again until the run has ended. */
async function untilEnded(body: unknown, idempotencyKey: string) {
  await waitFor('the run to end', 90_000, async () => (await call(body, idempotencyKey)).status === 200)
  return (await call(body, idempotencyKey)).body
}

test('002.33 the test of a connector makes a round trip through the endpoint to the target', async () => {
  const { items } = await must(a<{ items: { id: string; name: string }[] }>('GET', '/api/project-connectors'))
  const { id } = items.find(({ name }) => name === 'adjust') as { id: string }
  expect(await must(a('POST', `/api/project-connectors/${id}/test`, { body: {} }))).toMatchObject({
    ok: true,
  })
})

test('002.29 002.30b 002.30c 002.34 a public call runs a job that updates one project, queries another and starts a long operation, whose cancellation reaches it', async () => {
  const jobC = (await must(c<{ items: { id: string }[] }>('GET', '/api/jobs'))).items[0] as { id: string }
  const runC = await must(c<{ id: string }>('POST', `/api/jobs/${jobC.id}/runs`, { body: {} }))
  const longRuns = () => runsOf(b, longJob)

  const answering = call({ text: 'hello', run_id: runC.id }, 'all-three')
  await waitFor('the long operation to run', 60_000, async () =>
    (await longRuns()).some(({ status }) => status === 'running'),
  )
  const [caller] = await runsOf(a, published.jobId)
  await must(a('POST', `/api/runs/${caller?.id}/cancel`, { body: {} }))
  await waitFor('the cancellation to reach it', 30_000, async () =>
    (await longRuns()).every(({ status }) => status === 'cancelled'),
  )
  expect((await answering).status).not.toBe(200)

  const { steps } = await must(
    a<{ steps: { step_id: string; status: string; output: unknown }[] }>('GET', `/api/runs/${caller?.id}`),
  )
  expect(steps.map(({ step_id, status }) => [step_id, status])).toEqual([
    ['update', 'succeeded'],
    ['read', 'succeeded'],
    ['long', 'cancelled'],
  ])
  expect(JSON.stringify(steps[0]?.output)).toContain('hello')
  expect(JSON.stringify(steps[1]?.output)).toContain(runC.id)
})

test('002.35 each call is seen on both sides', async () => {
  const seen = async (api: Call) =>
    (await must(api<{ items: ConnectorCallOfList[] }>('GET', '/api/connector-calls'))).items
      .map(({ side, connector, operation, outcome }) => [side, connector, operation, outcome].join(' '))
      .sort()
  expect(await seen(a)).toEqual([
    'source adjust call succeeded',
    'source long start cancelled',
    'source state query succeeded',
  ])
  expect(await seen(b)).toEqual(['target adjust call succeeded', 'target long start cancelled'])
  expect(await seen(c)).toEqual(['target state query succeeded'])
})

test.each([
  ['the executor', 'executor', 'SIGKILL'],
  ['Temporal', 'temporal', 'SIGKILL'],
  ['PostgreSQL', 'postgres', 'SIGINT'],
  ['the registry', 'interface-registry', 'SIGKILL'],
] as const)(
  'a call goes on after %s was killed in its middle, and its target runs once',
  async (_, part, signal) => {
    const text = `survives ${part}`
    const before = (await runsOf(b, adjustJob)).length
    targetDelayMs = 1_500
    const answering = call({ text }, part)
    await waitFor('the target to be reached', 30_000, async () =>
      target.requests.some(({ body }) => body.includes(text)),
    )
    process.kill(platform.pidOf(part), signal)
    targetDelayMs = 0
    await answering
    expect(await untilEnded({ text }, part)).toMatchObject({
      status: 'succeeded',
      output: { output: { adjusted: text } },
    })
    const runs = await runsOf(b, adjustJob)
    expect([runs.length - before, runs[0]?.status]).toEqual([1, 'succeeded'])
  },
)
