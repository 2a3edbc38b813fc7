import { HeaderValue, Json, SettableHeaderName, TargetUrl } from '@opsconductor/contracts'
import { z } from 'zod'
import { expectationFields } from '../http/answer/expectations.ts'

const daySeconds = 86_400

/** Headers that only a signature may set. */
const isSignatureHeader = (name: string): boolean => /^(?:webhook-|x-hub-|x-github-)/i.test(name)

const Retry = z
  .object({
    max_attempts: z.number().int().min(1).max(30).default(15).describe('Attempts in all.'),
    first_seconds: z
      .number()
      .int()
      .min(1)
      .max(3_600)
      .default(5)
      .describe('Until the second attempt; then four times as long each time, give or take a quarter.'),
    max_seconds: z
      .number()
      .int()
      .min(1)
      .max(daySeconds)
      .default(daySeconds / 4)
      .describe('Between two attempts at most, also where the receiver asks for more (Retry-After).'),
    give_up_after_seconds: z
      .number()
      .int()
      .min(1)
      .max(7 * daySeconds)
      .default(3 * daySeconds)
      .describe('No attempt begins later than this after the first.'),
  })
  .strict()

export const WebhookInput = z
  .object({
    url: TargetUrl.describe('Where the webhook goes. Redirects are not followed.'),
    payload: Json.optional().describe('Sent as JSON. Either this or body.'),
    body: z
      .string()
      .max(256 * 1024)
      .optional()
      .describe('Sent as it is. Either this or payload.'),
    content_type: HeaderValue.max(200)
      .optional()
      .describe('Of the body; by default that of JSON or plain text.'),
    headers: z
      .record(
        SettableHeaderName.refine((name) => !isSignatureHeader(name), 'must not be a header of a signature'),
        HeaderValue,
      )
      .default({})
      .describe('Further headers.'),
    signature: z
      .enum(['standard', 'github', 'none'])
      .default('standard')
      .describe(
        'Standard Webhooks with every secret of the credential, X-Hub-Signature-256 with its current one, or none.',
      ),
    event_type: z
      .string()
      .max(100)
      .regex(/^[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*$/, 'must be words joined by full stops')
      .optional()
      .describe(
        'Puts the payload into { type, timestamp, data }; in GitHub style it is the header X-GitHub-Event.',
      ),
    validate: z
      .enum(['challenge', 'head', 'none'])
      .default('none')
      .describe(
        'Asks the endpoint once before its first webhook: to send a challenge back, or whether it is there.',
      ),
    retry: Retry.default(Retry.parse({})).describe(
      'After no answer, 408, 425, 429 and 5xx. Other statuses are not tried again; 410 disables the endpoint.',
    ),
    ...expectationFields,
    keep_answer: z
      .boolean()
      .default(false)
      .describe("Puts the answer's body into the result; it is read anyway where a condition needs it."),
    body_bytes_max: z
      .number()
      .int()
      .min(1)
      .max(1024 * 1024)
      .default(64 * 1024)
      .describe("Of the answer's body, where it is read."),
  })
  .strict()
export type WebhookInput = z.infer<typeof WebhookInput>

export const WebhookOutput = z.object({
  webhook_id: z.string().describe('The same over all attempts; receivers know a repetition by it.'),
  attempt: z.number().int().describe('The attempt that was taken.'),
  status: z.number().int().describe("The answer's status."),
  headers: z.record(z.string(), z.string()).describe("The answer's headers, by lower-case names."),
  body: Json.describe("The answer's body, where it was read; null otherwise."),
})
export type WebhookOutput = z.infer<typeof WebhookOutput>

/** Faults of an input that its schema cannot say. */
export function faultsOfWebhook(input: Readonly<Record<string, unknown>>): { at: string; message: string }[] {
  if ((input.payload === undefined) === (input.body === undefined))
    return [{ at: '', message: 'must have either payload or body' }]
  if (input.event_type !== undefined && input.body !== undefined && input.signature !== 'github')
    return [{ at: '.event_type', message: 'needs a payload: a body is sent as it is' }]
  return []
}
