import { AppError, toAppError } from '@opsconductor/errors'
import { assertExpectations, isExpected } from '../http/answer/expectations.ts'
import type { HttpAnswer } from '../http/exchange.ts'
import { isRunCancelled, workerStopped } from '../run-job/step-error.ts'
import type { StepTools } from '../step-types/define-step-type.ts'
import { buildBody, buildHeaders } from './build-webhook.ts'
import { nextDelaySeconds } from './delivery-schedule.ts'
import { endpointDisabled, settleRefusal } from './settle-refusal.ts'
import { validateEndpoint } from './validate-endpoint.ts'
import type { WebhookInput, WebhookOutput } from './webhook-input.ts'
import type { OpenDelivery } from './webhook-log.ts'

type Tools = Pick<StepTools, 'http' | 'credential' | 'signal' | 'webhooks' | 'idempotencyKey'>

/** One attempt to deliver a webhook, written into the delivery log. Throws why it was not taken, and how long to wait. */
export async function deliverWebhook(input: WebhookInput, tools: Tools): Promise<WebhookOutput> {
  const delivery = await tools.webhooks.begin({ url: input.url, eventType: input.event_type })
  const seen: { status: number | null } = { status: null }
  try {
    const answer = await send(input, tools, delivery, seen)
    await delivery.end({
      status: 'delivered',
      responseStatus: answer.status,
      error: null,
      nextAttemptAt: null,
    })
    const { status, headers, body } = answer
    return {
      webhook_id: delivery.webhookId,
      attempt: delivery.attempt,
      status,
      headers,
      body: body as WebhookOutput['body'],
    }
  } catch (error) {
    await endFailed(error, { input, tools, delivery, responseStatus: seen.status })
    throw error
  }
}

async function send(
  input: WebhookInput,
  tools: Tools,
  delivery: OpenDelivery,
  seen: { status: number | null },
): Promise<HttpAnswer> {
  const { endpoint, webhookId: id, occurredAt } = delivery
  if (endpoint.disabledAt !== null)
    throw endpointDisabled(endpoint.id, `Since ${endpoint.disabledAt.toISOString()}`)
  if (needsValidation(input, endpoint.validatedBy)) {
    await validateEndpoint(input, tools, delivery)
    await delivery.validated(input.validate as 'challenge' | 'head')
  }
  const body = buildBody(input, occurredAt)
  const isTaken = (status: number) => isExpected(status, input.expect_status)
  const readsAnswer = input.keep_answer || input.expect !== undefined || input.expect_schema !== undefined
  const answer = await tools.http({
    method: 'POST',
    url: new URL(input.url),
    headers: buildHeaders(input, { id, body, at: new Date() }, tools.credential),
    body: body.text,
    bodyBytesMax: input.body_bytes_max,
    wants: isTaken,
    ...(readsAnswer ? {} : { ignoresBody: true }),
  })
  seen.status = answer.status
  if (!isTaken(answer.status)) throw await settleRefusal(answer, delivery)
  assertExpectations(answer, input)
  return answer
}

/** An endpoint that once sent a challenge back is there, too. */
const needsValidation = ({ validate }: WebhookInput, validatedBy: string | null): boolean =>
  validate !== 'none' && validatedBy !== validate && validatedBy !== 'challenge'

interface FailedDelivery {
  input: WebhookInput
  tools: Tools
  delivery: OpenDelivery
  responseStatus: number | null
}

/** The line's end, with the reason that the step will have. */
async function endFailed(error: unknown, failed: FailedDelivery): Promise<void> {
  const { tools, delivery, responseStatus } = failed
  const { aborted, reason } = tools.signal
  if (isRunCancelled(tools.signal))
    return delivery.end({ status: 'cancelled', responseStatus, error: null, nextAttemptAt: null })
  const isStopped = aborted && !(reason instanceof AppError)
  const known = isStopped ? workerStopped() : toAppError(error)
  const { code, message } = known instanceof AppError ? known : known.failure
  const next = nextAttemptAt(known, failed)
  await delivery.end({ status: 'failed', responseStatus, error: { code, message }, nextAttemptAt: next })
}

/** As the step's workflow will have it. */
function nextAttemptAt(
  { retryable, retryAfterSeconds }: Pick<AppError, 'retryable' | 'retryAfterSeconds'>,
  { input, tools, delivery }: FailedDelivery,
): Date | null {
  if (!retryable || !delivery.isScheduled) return null
  const now = Date.now()
  const delay = nextDelaySeconds(input.retry, {
    attempt: delivery.attempt,
    elapsedSeconds: (now - delivery.occurredAt.getTime()) / 1000,
    toldSeconds: retryAfterSeconds,
    key: tools.idempotencyKey,
  })
  return delay === undefined ? null : new Date(now + delay * 1000)
}
