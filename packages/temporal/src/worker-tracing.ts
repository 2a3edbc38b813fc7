import { createRequire } from 'node:module'
import type { Resource } from '@opentelemetry/resources'
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry/lib/client/index.js'
import {
  makeWorkflowExporter,
  OpenTelemetryActivityInboundInterceptor,
  OpenTelemetryActivityOutboundInterceptor,
  OpenTelemetryNexusInboundInterceptor,
} from '@temporalio/interceptors-opentelemetry/lib/worker/index.js'
import type { WorkerInterceptors, WorkerOptions } from '@temporalio/worker'

/** The interceptor module that a workflow bundle must hold for its spans to be seen. */
export const tracingWorkflowModule = createRequire(import.meta.url).resolve(
  '@temporalio/interceptors-opentelemetry/lib/workflow-interceptors',
)

export interface WorkerTracing {
  interceptors: WorkerInterceptors
  sinks: NonNullable<WorkerOptions['sinks']>
}

/** What a worker needs so that workflows, activities and Nexus operations continue the trace of whoever started them. */
export function workerTracing(spanProcessor: SpanProcessor, resource: Resource): WorkerTracing {
  return {
    interceptors: {
      activity: [
        (context) => ({
          inbound: new OpenTelemetryActivityInboundInterceptor(context),
          outbound: new OpenTelemetryActivityOutboundInterceptor(context),
        }),
      ],
      nexus: [(context) => ({ inbound: new OpenTelemetryNexusInboundInterceptor(context) })],
      // What Nexus handlers start.
      client: { workflow: [new OpenTelemetryWorkflowClientInterceptor()] },
    },
    sinks: { exporter: makeWorkflowExporter(spanProcessor, resource) },
  }
}
