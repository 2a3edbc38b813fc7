import { setTimeout as sleep } from 'node:timers/promises'
import { retryAfterMs } from '@opsconductor/errors'
import { faultOfSigningSecret, signStandardWebhook } from '@opsconductor/webhook-signatures'
import { Agent, request } from 'undici'
import type { Notification } from './notification.ts'
import type { Outcome } from './outcome.ts'
import { type Email, sendEmail } from './send-email.ts'
import { faultOfWebhookUrl } from './webhook.ts'

export interface Notifier {
  /**
   * Tells every webhook and recipient. Throws one error where any of them did not take it in three tries; `messageRefused` on it says
   * that the message itself was found unfit (400, 413, 422), so another one may do better. Telling again tells all of them.
   */
  notify(notification: Notification): Promise<void>
  /** Gives up what is under way, which throws. */
  close(): Promise<void>
}

export interface Webhook {
  /** https, or http to this machine. It may hold a token of the receiver's: no error and no log line quotes it. */
  url: string
  /** Signs each message by Standard Webhooks: `whsec_` and base64, or a plain text. */
  secret?: string | undefined
}

/** One exchange, without following redirects. What it throws has a code, which is all that is told of it. */
export type Post = (request: {
  url: string
  headers: Record<string, string>
  body: string
  signal: AbortSignal
}) => Promise<{ status: number; headers: Record<string, string | string[] | undefined> }>

export interface NotifierOptions {
  webhooks?: readonly Webhook[]
  emails?: readonly Email[]
  /** How webhooks are reached; straight where it is left out. */
  post?: Post
  /** Three where it is left out; one for who tells again by itself. */
  triesMax?: number
  /** For one try, from connecting to the status of the answer. */
  timeoutMs?: number
  now?(): Date
  /** Waits between tries; rejects when `signal` is aborted. */
  wait?(ms: number, signal: AbortSignal): Promise<unknown>
}

const retryAfterMsMax = 30_000
const answerBytesMax = 64 * 1024
const backOffMs = (tries: number): number => 1_000 * 4 ** (tries - 1)

/** Throws where an address or a secret is of no use. */
export function createNotifier({
  webhooks = [],
  emails = [],
  post,
  triesMax = 3,
  timeoutMs = 10_000,
  now = () => new Date(),
  wait = (ms, signal) => sleep(ms, undefined, { signal }),
}: NotifierOptions): Notifier {
  assertUsable(webhooks)
  const agent = new Agent({ connectTimeout: timeoutMs })
  const closing = new AbortController()
  const send = post ?? postBy(agent)
  const tryingSignal = () => AbortSignal.any([AbortSignal.timeout(timeoutMs), closing.signal])

  async function tryWebhook({ url, secret }: Webhook, id: string, body: string): Promise<Outcome> {
    const signal = tryingSignal()
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'OpsConductor',
      ...(secret === undefined ? {} : signStandardWebhook([secret], { id, body, at: now() })),
    }
    try {
      const answer = await send({ url, headers, body, signal })
      return outcomeOf(answer.status, retryAfterMs(answer.headers['retry-after']?.toString(), now()))
    } catch (error) {
      return { state: 'again', why: whyNoAnswer(error, timeoutMs) }
    }
  }

  async function deliver(host: string, attempt: () => Promise<Outcome>): Promise<Failure | undefined> {
    for (let tries = 1; ; tries++) {
      const outcome = await attempt()
      if (outcome.state === 'delivered') return undefined
      if (closing.signal.aborted && outcome.state === 'again')
        outcome.why = 'given up at the end of the process'
      const afterMs = outcome.retryAfterMs ?? backOffMs(tries)
      const isLast = outcome.state === 'refused' || tries === triesMax || afterMs > retryAfterMsMax
      if (isLast || closing.signal.aborted)
        return {
          why: `${host}: ${outcome.why}`,
          messageRefused: outcome.messageRefused === true,
        }
      // Closing ends the wait; the next try then fails at once, and is the last.
      await wait(afterMs, closing.signal).catch(() => {})
    }
  }

  return {
    async notify(notification) {
      const body = toBody(notification, now())
      const outcomes = await Promise.all([
        ...webhooks.map((webhook) =>
          deliver(new URL(webhook.url).host, () => tryWebhook(webhook, notification.id, body)),
        ),
        ...emails.map((email) =>
          deliver(email.server.host, () =>
            sendEmail(email, notification, { at: now(), signal: tryingSignal(), timeoutMs }),
          ),
        ),
      ])
      const failures = outcomes.filter((outcome) => outcome !== undefined)
      if (failures.length > 0) throw notDelivered(failures)
    },
    async close() {
      closing.abort()
      await agent.destroy()
    },
  }
}

const postBy =
  (agent: Agent): Post =>
  async ({ url, headers, body, signal }) => {
    const answer = await request(url, { dispatcher: agent, method: 'POST', headers, body, signal })
    // What it says is of no interest, and a fault in saying it undoes nothing.
    await answer.body.dump({ limit: answerBytesMax, signal }).catch(() => {})
    return { status: answer.statusCode, headers: answer.headers }
  }

function assertUsable(webhooks: readonly Webhook[]): void {
  for (const { url, secret } of webhooks) {
    const fault = faultOfWebhookUrl(url) ?? (secret === undefined ? undefined : faultOfSigningSecret(secret))
    if (fault !== undefined) throw new Error(`A webhook's address or secret ${fault}.`)
  }
}

/** undici's errors quote no address; the code says enough of them. */
function whyNoAnswer(error: unknown, timeoutMs: number): string {
  const { code, name } = error as { code?: string; name: string }
  return name === 'TimeoutError' ? `no answer within ${timeoutMs} ms` : (code ?? name)
}

interface Failure {
  why: string
  messageRefused: boolean
}

/** 410 and most of 4xx stay so; a redirect is not followed, since the secret's signature would go where an answer says. */
function outcomeOf(status: number, afterMs: number | undefined): Outcome {
  if (status >= 200 && status < 300) return { state: 'delivered', why: '' }
  const why = `answered ${status}`
  if (status === 408 || status === 429 || status >= 500) return { state: 'again', why, retryAfterMs: afterMs }
  if (status >= 300 && status < 400)
    return { state: 'refused', why: `${why}, a redirect, which is not followed` }
  return { state: 'refused', why, messageRefused: [400, 413, 422].includes(status) }
}

function notDelivered(failures: readonly Failure[]): Error & { messageRefused: boolean } {
  const why = failures.map((failure) => failure.why).join('; ')
  return Object.assign(new Error(`A notification was not delivered (${why}).`), {
    messageRefused: failures.every((failure) => failure.messageRefused),
  })
}

/**
 * `text` makes it a message that Slack's incoming webhooks take as it is: there `<…>` would be a link or call everybody. Others
 * that take the same messages call everybody by `@channel` alone, so something that is not seen goes between.
 */
function toBody({ id, type, title, text, facts }: Notification, at: Date): string {
  const escaped = text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/@(?=(?:all|channel|everyone|here)\b)/gi, '@\u200b')
  return JSON.stringify({ id, type, title, text: escaped, facts, created_at: at.toISOString() })
}
