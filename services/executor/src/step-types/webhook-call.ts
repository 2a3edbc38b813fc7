import { deliverWebhook } from '../webhooks/deliver-webhook.ts'
import { faultsOfWebhook, WebhookInput, WebhookOutput } from '../webhooks/webhook-input.ts'
import { defineStepType } from './define-step-type.ts'

export const webhookCall = defineStepType({
  type: 'webhook.call',
  title: 'Webhook',
  description:
    'Sends a signed webhook and, while the receiver does not take it, tries again over minutes to days under the same id. The run waits for it.',
  risk: 'medium',
  credentials: ['webhook_secret'],
  takesClientCertificate: true,
  takesVia: true,
  input: WebhookInput,
  output: WebhookOutput,
  urlFields: ['url'],
  retryable: true,
  durable: 'attempts',
  timeoutSeconds: 30,
  examples: [
    {
      title: 'Tell a receiver of Standard Webhooks',
      credential: 'webhook_secret',
      input: {
        url: 'https://hooks.example.com/orders',
        event_type: 'order.shipped',
        payload: { order_id: '{{ input.order_id }}' },
      },
    },
    {
      title: 'In GitHub style, where the receiver must say that it queued the build',
      credential: 'webhook_secret',
      input: {
        url: 'https://hooks.example.com/builds',
        signature: 'github',
        event_type: 'push',
        payload: { ref: 'refs/heads/main' },
        expect: [{ path: '$.queued', equals: true }],
      },
    },
    {
      title: 'A chat message, unsigned, within ten minutes or not at all',
      input: {
        url: 'https://hooks.example.com/chat',
        signature: 'none',
        payload: { text: 'Disk full on {{ input.host }}' },
        retry: { give_up_after_seconds: 600 },
      },
    },
  ],
  check: faultsOfWebhook,
  run: deliverWebhook,
})
