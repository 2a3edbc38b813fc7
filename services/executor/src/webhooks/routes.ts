import { projectOf } from '@opsconductor/auth'
import {
  IdParams,
  PageQuery,
  pageOf,
  RedeliverWebhook,
  RunStepParams,
  WebhookDelivery,
  WebhookEndpoint,
  WebhookRedelivery,
} from '@opsconductor/contracts'
import { type AnyRoute, route, toPage } from '@opsconductor/service-kit'
import type { ExecutorDeps } from '../deps.ts'
import { askRedelivery } from './ask-redelivery.ts'
import { enableEndpoint } from './enable-endpoint.ts'
import { listDeliveries } from './list-deliveries.ts'
import { toDeliveryWire, toEndpointWire } from './wire.ts'

export const webhookRoutes = (deps: ExecutorDeps): AnyRoute[] => [
  route({
    method: 'get',
    path: '/api/runs/{id}/deliveries',
    summary: "Every attempt to deliver the run's webhooks, newest first.",
    action: 'runs.read',
    params: IdParams,
    query: PageQuery,
    answers: { 200: pageOf(WebhookDelivery) },
    handle: async ({ caller, params, query }) => {
      const rows = await listDeliveries(deps, projectOf(caller), params.id, query)
      return { status: 200, body: toPage(rows, query.limit, toDeliveryWire) }
    },
  }),
  route({
    method: 'post',
    path: '/api/runs/{id}/steps/{step_id}/redeliver',
    summary: "Deliver an ended run's webhook once more: the same id and payload, signed anew.",
    action: 'runs.write',
    params: RunStepParams,
    body: RedeliverWebhook,
    answers: { 202: WebhookRedelivery },
    handle: async ({ caller, params, body }) => {
      const asked = { runId: params.id, stepId: params.step_id, item: body.item }
      const { id, message } = await askRedelivery(deps, caller, asked)
      const { runId: run_id, stepId: step_id, item } = asked
      return {
        status: 202,
        headers: { Location: `/api/runs/${run_id}/deliveries` },
        body: { id, webhook_id: message.id, run_id, step_id, item },
      }
    },
  }),
  route({
    method: 'get',
    path: '/api/webhook-endpoints',
    summary: 'The URLs of webhooks that were validated or are disabled, newest first.',
    action: 'webhook-endpoints.read',
    query: PageQuery,
    answers: { 200: pageOf(WebhookEndpoint) },
    handle: async ({ caller, query }) => {
      const rows = await deps.webhooks.listEndpoints(projectOf(caller), query)
      return { status: 200, body: toPage(rows, query.limit, toEndpointWire) }
    },
  }),
  route({
    method: 'post',
    path: '/api/webhook-endpoints/{id}/enable',
    summary: 'Let webhooks go to an URL again that answered 410.',
    action: 'webhook-endpoints.write',
    params: IdParams,
    answers: { 200: WebhookEndpoint },
    handle: async ({ caller, params }) => ({
      status: 200,
      body: toEndpointWire(await enableEndpoint(deps, caller, params.id)),
    }),
  }),
]
