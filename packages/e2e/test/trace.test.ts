import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { createCaller } from '../src/client.ts'
import { type Platform, startPlatform, waitFor } from '../src/platform.ts'
import { startTargetServer, type TargetServer } from '../src/target-server.ts'

jest.setTimeout(180_000)

interface Span {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  service: string
}

let receiver: TargetServer
let platform: Platform
beforeAll(async () => {
  receiver = await startTargetServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
  )
  platform = await startPlatform(18_000, { environment: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } })
})
afterAll(async () => {
  await platform?.stop()
  await receiver?.close()
})

interface OtlpExport {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue: string } }[] }
    scopeSpans: { spans: Omit<Span, 'service'>[] }[]
  }[]
}

function received(traceId: string): Span[] {
  return receiver.requests
    .filter(({ path }) => path === '/v1/traces')
    .flatMap(({ body }) => (JSON.parse(body) as OtlpExport).resourceSpans)
    .flatMap(({ resource, scopeSpans }) => {
      const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? ''
      return scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ ...span, service })))
    })
    .filter((span) => span.traceId === traceId)
}

test('one trace runs from the client’s traceparent through registry, Temporal and activity to the broker', async () => {
  const traceId = randomBytes(16).toString('hex')
  const { demo } = platform.stack
  const call = createCaller(demo.public_url, {
    'x-api-key': demo.api_key,
    traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01`,
  })
  expect((await call('POST', demo.public_url, { body: demo.body })).status).toBe(200)
  const wanted = ['interface-registry', 'executor', 'secrets-broker']
  await waitFor('a trace from the registry to the broker', 20_000, async () => {
    const services = servicesOnTheWayTo('secrets-broker', '/use', received(traceId))
    return services.join() === wanted.join()
  })
})

/** The services from the trace's root to the span of `service` whose name holds `name`, each once. */
function servicesOnTheWayTo(service: string, name: string, spans: Span[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const path: string[] = []
  let span = spans.find((candidate) => candidate.service === service && candidate.name.includes(name))
  for (; span !== undefined; span = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId))
    path.unshift(span.service)
  return [...new Set(path)]
}
