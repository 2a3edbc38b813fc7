import { randomUUID } from 'node:crypto'
import {
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import type { exportSpans } from './export-spans.ts'

export interface Tracing {
  /** Where spans are exported: what those made outside this provider (in workflow sandboxes) go through too. */
  exporting: ReturnType<typeof exportSpans>['exporting'] | undefined
  stop(): Promise<void>
}

/**
 * Installs W3C trace context for the process: a `traceparent` that comes in is passed on, and spans are exported by
 * OTLP/HTTP where an endpoint is configured. Spans are made by hand at the few places that matter (request in,
 * request out, activity), so nothing is patched at load time.
 */
export async function startTracing(service: string, otlpEndpoint: string | undefined): Promise<Tracing> {
  const global = {
    contextManager: new AsyncLocalStorageContextManager().enable(),
    propagator: new W3CTraceContextPropagator(),
  }
  if (otlpEndpoint !== undefined)
    return (await import('./export-spans.ts')).exportSpans(service, otlpEndpoint, global)
  context.setGlobalContextManager(global.contextManager)
  propagation.setGlobalPropagator(global.propagator)
  trace.setGlobalTracerProvider({ getTracer: () => idsOnly })
  return { exporting: undefined, stop: async () => {} }
}

/** 32 digits; many times quicker than asking for random bytes, since Node keeps some in store for UUIDs. */
const randomHex = () => randomUUID().replaceAll('-', '')

/** Where nobody reads spans they have nothing but their ids, which tie log lines, errors and other processes together. */
const idsOnly: Tracer = {
  startSpan: (_name, _options, parent = context.active()) =>
    trace.wrapSpanContext({
      traceId: trace.getSpanContext(parent)?.traceId ?? randomHex(),
      spanId: randomHex().slice(16),
      traceFlags: trace.getSpanContext(parent)?.traceFlags ?? TraceFlags.NONE,
    }),
  startActiveSpan() {
    throw new Error('spans are made by inSpan')
  },
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
