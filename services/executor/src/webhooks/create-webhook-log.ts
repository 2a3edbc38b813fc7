import { AppError } from '@opsconductor/errors'
import type { Redactor } from '@opsconductor/redact'
import { toStorable, toStorableText } from '../json-limits.ts'
import type { StepRequest } from '../run-job/activity-contract.ts'
import { whileUnavailable } from '../run-job/while-unavailable.ts'
import { webhookIdOf } from './build-webhook.ts'
import type { KeptRequest, WebhookStore } from './store.ts'
import type { OpenDelivery, WebhookLog } from './webhook-log.ts'

export interface WebhookLogOf {
  store: Pick<
    WebhookStore,
    'openDelivery' | 'closeDelivery' | 'findEndpoint' | 'saveValidated' | 'disableEndpoint'
  >
  projectId: string
  /** The step as it runs. */
  request: StepRequest
  attempt: number
  idempotencyKey: string
  /** Of what is kept. */
  redactor: Pick<Redactor, 'redact' | 'redactJson'>
  signal: AbortSignal
  onDisabled(endpointId: string): void
  onNotWritten(error: unknown): void
}

const waitMsMax = 10_000
const urlCharactersMax = 2_000

/** The log of one attempt of one step. */
export function createWebhookLog(of: WebhookLogOf): WebhookLog {
  const { store, projectId, redactor, attempt, signal } = of
  const waiting = { msMax: waitMsMax, signal }
  return {
    async begin({ url, eventType = null }) {
      const { runId, stepId, item = '', redeliveryId = null } = of.request
      const at = { url, shown: redactor.redact(shownUrl(url)) }
      const webhookId = webhookIdOf(of.idempotencyKey)
      const message = { id: webhookId, projectId, runId, stepId, item, eventType, request: keptRequest(of) }
      const line = { attempt, redeliveryId, url: at.shown }
      const [{ id, occurredAt }, endpoint] = await Promise.all([
        whileUnavailable(() => store.openDelivery(message, line, lostAttempt(stepId)), waiting),
        whileUnavailable(() => store.findEndpoint(projectId, url), waiting),
      ])
      const { id: endpointId = null, disabledAt = null, validatedBy = null } = endpoint ?? {}
      const delivery: OpenDelivery = {
        webhookId,
        attempt,
        occurredAt,
        isScheduled: redeliveryId === null,
        endpoint: { id: endpointId, disabledAt, validatedBy },
        validated: (by) => whileUnavailable(() => store.saveValidated(projectId, at, by), waiting),
        async disable() {
          const disabled = await whileUnavailable(() => store.disableEndpoint(projectId, at), waiting)
          of.onDisabled(disabled)
          return disabled
        },
        async end({ error, ...outcome }) {
          const failure = error && {
            code: error.code,
            message: toStorableText(redactor.redact(error.message)),
            step_id: stepId,
          }
          // The step's end is not held up by its signal, which may be why it ends.
          const ending = { msMax: waitMsMax, signal: AbortSignal.timeout(waitMsMax) }
          await whileUnavailable(() => store.closeDelivery(id, { ...outcome, error: failure }), ending).catch(
            of.onNotWritten,
          )
        },
      }
      return delivery
    },
  }
}

/** For what is no step: it delivers no webhooks. */
export const noWebhookLog: WebhookLog = {
  begin: () => Promise.reject(new AppError('step_failed', 'Webhooks are delivered by steps only.')),
}

/** Null where redaction changes it: without the secret it would be another message, with it it may not be kept. */
function keptRequest({ request, redactor }: WebhookLogOf): KeptRequest | null {
  const { type, position, credential, clientCertificate, via, timeoutSeconds } = request
  const input = toStorable(request.input)
  if (JSON.stringify(redactor.redactJson(input)) !== JSON.stringify(request.input)) return null
  return {
    ...{ type, position, credential, clientCertificate, timeoutSeconds, input },
    ...(via === undefined ? {} : { via }),
  }
}

/** Queries hold tokens. */
function shownUrl(url: string): string {
  const { origin, pathname, search } = new URL(url)
  return `${origin}${pathname}${search === '' ? '' : '?…'}`.slice(0, urlCharactersMax)
}

const lostAttempt = (stepId: string) => ({
  code: 'step_failed',
  message: 'The worker was lost while this attempt ran.',
  step_id: stepId,
})
