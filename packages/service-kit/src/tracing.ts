import { context, propagation, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { Resource } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-node'

export interface Tracing {
  /** Where spans are exported: what those made outside this provider (in workflow sandboxes) go through too. */
  exporting: { spanProcessor: SpanProcessor; resource: Resource } | undefined
  stop(): Promise<void>
}

/**
 * Installs W3C trace context for the process: a `traceparent` that comes in is passed on, and spans are exported by
 * OTLP/HTTP where an endpoint is configured. Spans are made by hand at the few places that matter (request in,
 * request out, activity), so nothing is patched at load time.
 */
export async function startTracing(service: string, otlpEndpoint: string | undefined): Promise<Tracing> {
  const resource = new Resource({ 'service.name': service })
  const spanProcessor = otlpEndpoint === undefined ? undefined : await createExport(otlpEndpoint)
  const provider = new NodeTracerProvider({
    resource,
    spanProcessors: spanProcessor === undefined ? [] : [spanProcessor],
  })
  provider.register({ propagator: new W3CTraceContextPropagator() })
  return {
    exporting: spanProcessor === undefined ? undefined : { spanProcessor, resource },
    stop: () => provider.shutdown(),
  }
}

/** The exporter is loaded only where it is used: it is a tenth of a service's start. */
async function createExport(otlpEndpoint: string): Promise<SpanProcessor> {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http')
  const exporter = new OTLPTraceExporter({ url: new URL('/v1/traces', otlpEndpoint).href })
  return new BatchSpanProcessor(exporter, { scheduledDelayMillis: 500 })
}

const tracer = () => trace.getTracer('opsconductor')

/** Runs `work` in a span; the span ends with it and carries the error's name, never its text. */
export async function inSpan<T>(
  name: string,
  options: {
    kind: SpanKind
    attributes?: Record<string, string | number>
    carrier?: Record<string, unknown>
  },
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const parent =
    options.carrier === undefined ? context.active() : propagation.extract(context.active(), options.carrier)
  const span = tracer().startSpan(name, { kind: options.kind, attributes: options.attributes ?? {} }, parent)
  try {
    return await context.with(trace.setSpan(parent, span), () => work(span))
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'error' })
    throw error
  } finally {
    span.end()
  }
}

/** The headers that carry the active trace to the next process. */
export function traceHeaders(): Record<string, string> {
  const carrier: Record<string, string> = {}
  propagation.inject(context.active(), carrier)
  return carrier
}

export { SpanKind }
