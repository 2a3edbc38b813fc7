import { randomBytes } from 'node:crypto'
import { AppError } from '@opsconductor/errors'
import type { StepTools } from '../step-types/define-step-type.ts'
import { buildHeaders } from './build-webhook.ts'
import { settleRefusal } from './settle-refusal.ts'
import type { WebhookInput } from './webhook-input.ts'
import type { OpenDelivery } from './webhook-log.ts'

type Tools = Pick<StepTools, 'http' | 'credential'>
type Disables = Pick<OpenDelivery, 'disable'>

const challengeBytes = 32
const answerBytesMax = 4 * 1024

/** Asks an endpoint whether it wants webhooks. Throws what says why it does not, or that it cannot say so now. */
export async function validateEndpoint(input: WebhookInput, tools: Tools, delivery: Disables): Promise<void> {
  if (input.validate === 'head') await askForPresence(input, tools, delivery)
  else await sendChallenge(input, tools, delivery)
}

async function askForPresence(input: WebhookInput, tools: Tools, delivery: Disables): Promise<void> {
  const answer = await tools.http({
    method: 'HEAD',
    url: new URL(input.url),
    headers: { 'user-agent': 'OpsConductor', ...lowerCased(input.headers) },
    bodyBytesMax: answerBytesMax,
    ignoresBody: true,
  })
  // 405: it is there, and takes other methods only.
  if (isGood(answer.status) || answer.status === 405) return
  throw notValidated(await settleRefusal(answer, delivery))
}

/** The receiver proves that it reads what comes: it sends `challenge` back, in JSON of the same form or alone as text. */
async function sendChallenge(input: WebhookInput, tools: Tools, delivery: Disables): Promise<void> {
  const challenge = randomBytes(challengeBytes).toString('base64url')
  const text = JSON.stringify({ type: 'webhook.challenge', challenge })
  const message = {
    id: `challenge_${randomBytes(16).toString('hex')}`,
    body: { text, contentType: 'application/json' },
    at: new Date(),
  }
  const { headers, signature } = input
  const answer = await tools.http({
    method: 'POST',
    url: new URL(input.url),
    headers: buildHeaders({ headers, signature, event_type: 'webhook.challenge' }, message, tools.credential),
    body: text,
    bodyBytesMax: answerBytesMax,
    wants: isGood,
  })
  if (!isGood(answer.status)) throw notValidated(await settleRefusal(answer, delivery))
  const { body } = answer
  const echoed =
    typeof body === 'object' && body !== null && Object.hasOwn(body, 'challenge')
      ? (body as { challenge: unknown }).challenge
      : body
  if (typeof echoed !== 'string' || echoed.trim() !== challenge)
    throw new AppError('target_refused', 'The endpoint did not send the challenge back.')
}

const isGood = (status: number): boolean => status >= 200 && status < 300

const lowerCased = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

const notValidated = (error: AppError): AppError =>
  new AppError(error.code, `The endpoint was not validated: ${error.message}`, {
    ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
  })
