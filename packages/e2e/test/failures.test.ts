import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { type Call, createCaller, must, signIn } from '../src/client.ts'
import { type Platform, startPlatform, waitFor } from '../src/platform.ts'
import { createKey, createProject, type Published, publishJob } from '../src/publish.ts'
import { startTargetServer, type TargetServer } from '../src/target-server.ts'

jest.setTimeout(240_000)

let platform: Platform
let target: TargetServer
let projectId: string
let api: Call
let published: Published
let key: string
/** How long the target takes to answer, in milliseconds. */
let targetDelayMs = 0

beforeAll(async () => {
  platform = await startPlatform(14_000)
  target = await startTargetServer((_request, response) => {
    setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'), targetDelayMs)
  })
  projectId = await createProject(await signIn(platform), 'failures')
  api = await signIn(platform, projectId)
  await must(
    api('PUT', '/api/outbound-policy', { body: { allow: [{ cidr: '127.0.0.1/32', ports: [target.port] }] } }),
  )
  published = await publishJob(api, {
    name: 'effect',
    steps: [
      {
        id: 'first',
        type: 'http.get',
        input: { url: `${target.url}/first`, query: { text: '{{ input.text }}' } },
      },
      {
        id: 'second',
        type: 'http.post',
        input: { url: `${target.url}/second`, json: { text: '{{ input.text }}' } },
      },
    ],
    output: '{{ input.text }}',
  })
  key = (await createKey(api, 'client')).key
})
afterAll(async () => {
  await target?.close()
  await platform?.stop()
})

const run = (text: string, idempotencyKey?: string) =>
  createCaller(published.url, {
    'x-api-key': key,
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
  })('POST', published.url, { body: { text } })
const kill = (part: string) => process.kill(platform.pidOf(part), 'SIGKILL')
const workingAgain = () =>
  waitFor('calls to be answered again', 60_000, async () => (await run('probe')).status === 200)

test('002.26 with Kong’s Admin API down a change is stored as pending, and is applied when it is back', async () => {
  const { public_url } = platform.stack.services['interface-registry'] as { public_url: string }
  const registry = createCaller(public_url, await ownHeaders())
  const path = `/api/workflows/${published.workflowId}/interfaces`
  const body = {
    name: 'later',
    interface_type: 'update',
    callable_name: 'run',
    is_public: true,
    http_method: 'POST',
    http_path: '/later',
  }
  const gateway = platform.pidOf('gateway')
  process.kill(gateway, 'SIGSTOP')
  const made = await must(
    registry<{ id: string; public_interface: { state: string } }>('POST', path, { body }),
  ).finally(() => process.kill(gateway, 'SIGCONT'))
  expect(made.public_interface.state).toBe('pending')
  await waitFor('the interface to be published', 60_000, async () => {
    const { public_interface } = await must(
      api<{ public_interface: { state: string } }>('GET', `/api/interfaces/${made.id}`),
    )
    return public_interface.state === 'published'
  })
})

/** What a person sends, got without the gateway. */
async function ownHeaders(): Promise<Record<string, string>> {
  const { public_url } = platform.stack.services['api-key'] as { public_url: string }
  const session = await must(
    createCaller(public_url)<{ access_token: string }>('POST', '/api/session', {
      body: platform.stack.admin,
    }),
  )
  return { authorization: `Bearer ${session.access_token}`, 'x-project-id': projectId }
}

test('an executor killed in the middle of a run is started again, and the run completes once', async () => {
  targetDelayMs = 1_500
  const answer = run('survives', 'kill-1')
  const firsts = () =>
    target.requests.filter(({ path }) => path.startsWith('/first') && path.includes('survives'))
  await waitFor('the first step to be under way', 20_000, async () => firsts().length > 0)
  kill('executor')
  targetDelayMs = 0
  const { status, body } = await answer
  const outcome = status === 200 ? body : (await eventually200('survives', 'kill-1')).body
  expect(outcome).toMatchObject({ status: 'succeeded', output: 'survives' })
  expect(
    target.requests.filter(({ path, body: sent }) => path === '/second' && sent.includes('survives')),
  ).toHaveLength(1)
  expect(firsts().length).toBeGreaterThan(1)
})

async function eventually200(text: string, idempotencyKey: string) {
  await waitFor('the run to end', 60_000, async () => (await run(text, idempotencyKey)).status === 200)
  return run(text, idempotencyKey)
}

test('PostgreSQL restarted under load: services reconnect, every accepted run ends and is recorded', async () => {
  const keys = Array.from({ length: 12 }, (_, i) => `load-${i}`)
  const calls = keys.map(async (idempotencyKey, i) => {
    await new Promise((resolve) => setTimeout(resolve, i * 100))
    return run(idempotencyKey, idempotencyKey)
  })
  setTimeout(() => process.kill(platform.pidOf('postgres'), 'SIGINT'), 300)
  const answers = await Promise.all(calls)
  expect(answers.filter(({ status }) => ![200, 202, 429, 502, 503, 504].includes(status))).toEqual([])
  await workingAgain()
  for (const idempotencyKey of keys)
    expect((await eventually200(idempotencyKey, idempotencyKey)).body).toMatchObject({
      output: idempotencyKey,
    })
  const { items } = await must(api<{ items: { status: string }[] }>('GET', '/api/runs?limit=200'))
  expect(items.filter(({ status }) => status !== 'succeeded')).toEqual([])
})

test('Temporal down: 503 with Retry-After, and calls are answered again when it is back', async () => {
  // The supervisor sleeps, or it would have Temporal running again before the call gets there.
  const supervisor = platform.start.process
  supervisor.kill('SIGSTOP')
  kill('temporal')
  const answer = await run('nobody home').finally(() => supervisor.kill('SIGCONT'))
  expect([answer.status, answer.body.code]).toEqual([503, 'service_unavailable'])
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  await workingAgain()
})

test('a service that dies is started again, and its last log lines are shown', async () => {
  kill('api-key')
  await waitFor('the death to be shown', 10_000, async () =>
    /api-key +ended \(SIGKILL\); starting it again/.test(platform.start.output()),
  )
  await workingAgain()
})
