import type { WebhookDelivery, WebhookEndpoint } from './store.ts'

const at = (time: Date | null): string | null => time?.toISOString() ?? null

export const toDeliveryWire = (row: WebhookDelivery) => ({
  id: row.id,
  webhook_id: row.webhookId,
  step_id: row.stepId,
  item: row.item,
  attempt: row.attempt,
  redelivery_id: row.redeliveryId,
  event_type: row.eventType,
  url: row.url,
  status: row.status,
  response_status: row.responseStatus,
  error: row.error,
  next_attempt_at: at(row.nextAttemptAt),
  started_at: row.createdAt.toISOString(),
  finished_at: at(row.finishedAt),
})

export const toEndpointWire = (row: WebhookEndpoint) => ({
  id: row.id,
  url: row.url,
  disabled_at: at(row.disabledAt),
  validated_by: row.validatedBy,
  validated_at: at(row.validatedAt),
  enabled_by: row.enabledBy,
  enabled_at: at(row.enabledAt),
  created_at: row.createdAt.toISOString(),
})
