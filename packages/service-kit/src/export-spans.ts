import type { ContextManager, TextMapPropagator } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { Resource } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'

/** Has the process's spans exported to an OTLP/HTTP receiver. Imported only where there is one: it is a tenth of a service's start. */
export function exportSpans(
  service: string,
  otlpEndpoint: string,
  global: { contextManager: ContextManager; propagator: TextMapPropagator },
) {
  const resource = new Resource({ 'service.name': service })
  const exporter = new OTLPTraceExporter({ url: new URL('/v1/traces', otlpEndpoint).href })
  const spanProcessor = new BatchSpanProcessor(exporter, { scheduledDelayMillis: 500 })
  const provider = new NodeTracerProvider({ resource, spanProcessors: [spanProcessor] })
  provider.register(global)
  return { exporting: { spanProcessor, resource }, stop: () => provider.shutdown() }
}
