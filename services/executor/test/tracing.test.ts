import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startChildExecutor } from './support/child-executor.ts'
import { callerAt, startNeighbours } from './support/executor.ts'
import { sendJson, startTarget } from './support/target-server.ts'

interface OtlpSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
}

let neighbours: Awaited<ReturnType<typeof startNeighbours>>
let target: Awaited<ReturnType<typeof startTarget>>
let receiver: Awaited<ReturnType<typeof startTarget>>

beforeAll(async () => {
  neighbours = await startNeighbours()
  target = await startTarget((_, response) => sendJson(response, { ok: true }))
  receiver = await startTarget((_, response) => sendJson(response, {}))
}, 60_000)
afterAll(async () => {
  await neighbours?.stop()
  await Promise.all([target?.close(), receiver?.close()])
})

function receivedSpans(): OtlpSpan[] {
  return receiver.received.flatMap(({ body }) => {
    const { resourceSpans } = JSON.parse(body) as {
      resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[]
    }
    return resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans))
  })
}

test('one trace runs from the request through Temporal and the activity to the broker, without gaps', async () => {
  const { environment, projectId, broker, token } = neighbours
  broker.add({ projectId, name: 'token', type: 'bearer_token', secret: { token: 'abcdefgh' } })
  const child = await startChildExecutor({ ...environment, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url })
  const call = callerAt(child.publicUrl, token)
  await call('PUT', '/api/outbound-policy', { allow: [{ cidr: '127.0.0.1', ports: [target.port] }] })
  const job = await call('POST', '/api/jobs', {
    name: 'traced',
    steps: [{ id: 'fetch', type: 'http.get', credential: 'token', input: { url: target.url } }],
  })
  const traceId = randomBytes(16).toString('hex')
  const root = randomBytes(8).toString('hex')
  const traceparent = `00-${traceId}-${root}-01`
  const { body } = await call('POST', `/api/jobs/${job.body.id}/runs`, {}, { traceparent })
  while ((await call('GET', `/api/runs/${body.id}`)).body.status !== 'succeeded');
  expect(await child.end('SIGTERM')).toBe(0)

  const spans = receivedSpans().filter((span) => span.traceId === traceId)
  const names = spans.map((span) => span.name)
  expect(names).toEqual(
    expect.arrayContaining([
      'POST /api/jobs/{id}/runs',
      'StartWorkflow:runJob',
      'RunWorkflow:runJob',
      'StartActivity:runStep',
      'RunActivity:runStep',
      'POST secrets-broker /internal/secrets/credentials/{reference}/use',
    ]),
  )
  const ids = new Set([root, ...spans.map((span) => span.spanId)])
  expect(spans.filter((span) => !ids.has(span.parentSpanId ?? '')).map((span) => span.name)).toEqual([])
  expect(broker.lent[0]?.traceparent).toContain(traceId)
}, 60_000)
