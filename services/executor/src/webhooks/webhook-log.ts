import type { WebhookDeliveryStatus } from '@opsconductor/contracts'

/** How an endpoint was found to want webhooks; a challenge proves more than its mere presence. */
export type EndpointValidation = 'challenge' | 'head'

/** What is written of a step's webhook; whatever is given to it is kept without the secrets that were lent. */
export interface WebhookLog {
  /** Opens this attempt's line. The step as it was rendered is kept, so that it can be sent again. */
  begin(message: { url: string; eventType: string | undefined }): Promise<OpenDelivery>
}

export interface OpenDelivery {
  webhookId: string
  attempt: number
  /** When the first attempt began. */
  occurredAt: Date
  /** False where somebody asked for this attempt: none follows by itself. */
  isScheduled: boolean
  endpoint: {
    id: string | null
    disabledAt: Date | null
    validatedBy: EndpointValidation | null
  }
  validated(by: EndpointValidation): Promise<void>
  /** Takes the endpoint out of use until somebody enables it again. Answers its id. */
  disable(): Promise<string>
  end(outcome: DeliveryOutcome): Promise<void>
}

export interface DeliveryOutcome {
  status: Exclude<WebhookDeliveryStatus, 'running'>
  responseStatus: number | null
  error: { code: string; message: string } | null
  nextAttemptAt: Date | null
}
