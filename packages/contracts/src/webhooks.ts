import { z } from 'zod'
import { Id, Timestamp } from './fields.ts'
import { RunFailure } from './run-job.ts'

// What became of the webhooks of a run, and what is remembered of the URLs that they go to.

/** Where a step stands in the loops around it, as `17` or `17.3`; empty outside of loops. */
const Item = z
  .string()
  .max(64)
  .regex(/^(?:\d{1,9}(?:\.\d{1,9})*)?$/, 'must be a place like 17 or 17.3')

export const WebhookDeliveryStatus = z.enum(['running', 'delivered', 'failed', 'cancelled'])
export type WebhookDeliveryStatus = z.infer<typeof WebhookDeliveryStatus>

/** One attempt to deliver a webhook. */
export const WebhookDelivery = z.object({
  id: Id,
  /** The same over all attempts of a step, which receivers know a repetition by. */
  webhook_id: z.string(),
  step_id: z.string(),
  item: z.string(),
  attempt: z.number().int(),
  /** Set where somebody asked for this attempt. */
  redelivery_id: Id.nullable(),
  event_type: z.string().nullable(),
  /** Without its query, which may hold a token of the receiver's. */
  url: z.string(),
  status: WebhookDeliveryStatus,
  response_status: z.number().int().nullable(),
  error: RunFailure.nullable(),
  next_attempt_at: Timestamp.nullable(),
  started_at: Timestamp,
  finished_at: Timestamp.nullable(),
})

export const RedeliverWebhook = z.object({ item: Item.default('') }).strict()

export const WebhookRedelivery = z.object({
  id: Id,
  webhook_id: z.string(),
  run_id: Id,
  step_id: z.string(),
  item: z.string(),
})

export const RunStepParams = z.object({ id: Id, step_id: z.string().max(64) })

/** An URL that has been validated, or that is disabled because it answered 410. */
export const WebhookEndpoint = z.object({
  id: Id,
  url: z.string(),
  disabled_at: Timestamp.nullable(),
  validated_by: z.enum(['challenge', 'head']).nullable(),
  validated_at: Timestamp.nullable(),
  enabled_by: z.string().nullable(),
  enabled_at: Timestamp.nullable(),
  created_at: Timestamp,
})

/** The Temporal face of a redelivery: one attempt, in the project's namespace. */
export const redeliverWebhookWorkflow = { type: 'redeliverWebhook' } as const
export const RedeliverWebhookInput = z.object({ redelivery_id: Id })
export type RedeliverWebhookInput = z.infer<typeof RedeliverWebhookInput>
