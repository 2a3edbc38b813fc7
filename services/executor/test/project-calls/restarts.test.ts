import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { connectTemporal, type Temporal } from '@opsconductor/temporal'
import { testTemporalAddress } from '@opsconductor/test-peers'
import { DefaultLogger, Runtime } from '@temporalio/worker'
import { startChildExecutor } from '../support/child-executor.ts'
import { type Call, callerAt, startNeighbours } from '../support/executor.ts'
import { sendJson, startTarget } from '../support/target-server.ts'
import { createGrantsPeer } from './grants-peer.ts'
import { joinTargetProject } from './target-project.ts'

let neighbours: Awaited<ReturnType<typeof startNeighbours>>
let receiver: Awaited<ReturnType<typeof startTarget>>
let target: Awaited<ReturnType<typeof startTarget>>
let grants: Awaited<ReturnType<typeof createGrantsPeer>>
let temporal: Temporal
let holding = Promise.withResolvers<ServerResponse>()

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') })
  grants = await createGrantsPeer()
  neighbours = await startNeighbours(grants.routes)
  temporal = connectTemporal({ address: testTemporalAddress() })
  receiver = await startTarget((_, response) => sendJson(response, {}))
  target = await startTarget(({ url }, response) =>
    url === '/hold' ? holding.resolve(response) : sendJson(response, { ok: true }),
  )
}, 60_000)
afterAll(async () => {
  await Promise.all([receiver?.close(), target?.close(), temporal?.close()])
  await neighbours?.stop()
})

const start = (more: Record<string, string> = {}) =>
  startChildExecutor({ ...neighbours.environment, ...more })
const join = (publicUrl: string) => joinTargetProject({ ...neighbours, publicUrl, temporal }, grants)

async function beginCall(call: Call, connector: string, input: unknown, headers = {}): Promise<string> {
  const steps = [{ id: 'ask', type: 'project.call', input: { connector, input } }]
  const job = await call('POST', '/api/jobs', { name: `calls ${connector}`, steps })
  return (await call('POST', `/api/jobs/${job.body.id}/runs`, {}, headers)).body.id
}

async function endOf(call: Call, id: string) {
  for (;;) {
    const { body } = await call('GET', `/api/runs/${id}`)
    if (!['queued', 'running'].includes(body.status)) return body
    await delay(50)
  }
}

const fetching = (path: string, type = 'http.get') => ({
  id: path.slice(1),
  type,
  input: { url: target.url + path },
})
const openTarget = (call: Call) =>
  call('PUT', '/api/outbound-policy', { allow: [{ cidr: '127.0.0.1', ports: [target.port] }] })

test('002.35 where the executor is killed in the middle, calls come to their end, and each takes effect once', async () => {
  const first = await start()
  const project = await join(first.publicUrl)
  await openTarget(project.callTarget)
  const job = await project.addJobConnector({ steps: [fetching('/effect', 'http.post'), fetching('/hold')] })
  const slow = await project.addConnector({ callable_name: 'add_slowly' })
  const call = callerAt(first.publicUrl, neighbours.token)
  const runs = [await beginCall(call, job.connector, {}), await beginCall(call, slow.connector, { by: 3 })]
  await holding.promise
  holding = Promise.withResolvers()
  await first.end('SIGKILL')
  const second = await start()
  const read = callerAt(second.publicUrl, neighbours.token)
  sendJson(await holding.promise, { ok: true })
  const [ofJob, ofSlow] = await Promise.all(runs.map((id) => endOf(read, id)))
  expect(ofJob).toMatchObject({ status: 'succeeded' })
  expect(ofSlow).toMatchObject({ status: 'succeeded', output: { output: 3 } })
  expect(target.received.filter(({ url }) => url === '/effect')).toHaveLength(1)
  expect(await project.ledger.handle.query('total')).toMatchObject({ total: 3 })
  await project.stop()
  await second.end('SIGTERM')
}, 90_000)

test("002.35 one trace runs from the call of a job through Nexus to the other project's step", async () => {
  const executor = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url })
  const project = await join(executor.publicUrl)
  await openTarget(project.callTarget)
  const { connector } = await project.addJobConnector({ steps: [fetching('/traced')] })
  const traceId = randomBytes(16).toString('hex')
  const traceparent = `00-${traceId}-${randomBytes(8).toString('hex')}-01`
  const call = callerAt(executor.publicUrl, neighbours.token)
  const run = await endOf(call, await beginCall(call, connector, {}, { traceparent }))
  expect(run.error).toBeNull()
  await project.stop()
  expect(await executor.end('SIGTERM')).toBe(0)
  const names = receiver.received.flatMap(({ body }) => {
    const { resourceSpans } = JSON.parse(body) as {
      resourceSpans: { scopeSpans: { spans: { traceId: string; name: string }[] }[] }[]
    }
    const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    return spans.filter((span) => span.traceId === traceId).map(({ name }) => name)
  })
  for (const name of [/^POST \/api\/jobs/, /StartNexusOperation/i, /RunNexus|NexusOperation/i])
    expect(names).toContainEqual(expect.stringMatching(name))
  expect(names.filter((name) => name === 'RunWorkflow:runJob')).toHaveLength(2)
  expect(names).toContain('RunActivity:runStep')
}, 90_000)
