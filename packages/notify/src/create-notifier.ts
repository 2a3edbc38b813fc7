import { setTimeout as sleep } from 'node:timers/promises'
import { faultOfSigningSecret, signStandardWebhook } from '@opsconductor/webhook-signatures'
import { Agent, request } from 'undici'
import { faultOfWebhookUrl } from './webhook.ts'

/** What is told. It leaves the platform: names, ids and dates only, never the value of a secret. */
export interface Notification {
  /** The same whenever this is told again: receivers know by it that they have it already. */
  id: string
  /** As `secrets.credential_expiring`. */
  type: string
  title: string
  /** For a person; plain text. */
  text: string
  facts: Record<string, string | number>
}

export interface Notifier {
  /**
   * Tells every webhook. Throws one error where any of them did not take it in three tries; `messageRefused` on it says
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

export interface NotifierOptions {
  webhooks: readonly Webhook[]
  /** For one try, from connecting to the status of the answer. */
  timeoutMs?: number
  now?(): Date
  /** Waits between tries; rejects when `signal` is aborted. */
  wait?(ms: number, signal: AbortSignal): Promise<unknown>
}

const triesMax = 3
const retryAfterMsMax = 30_000
const answerBytesMax = 64 * 1024
const backOffMs = (tries: number): number => 1_000 * 4 ** (tries - 1)

/** Throws where an address or a secret is of no use. */
export function createNotifier({
  webhooks,
  timeoutMs = 10_000,
  now = () => new Date(),
  wait = (ms, signal) => sleep(ms, undefined, { signal }),
}: NotifierOptions): Notifier {
  assertUsable(webhooks)
  const agent = new Agent({ connectTimeout: timeoutMs })
  const closing = new AbortController()

  async function post({ url, secret }: Webhook, id: string, body: string): Promise<Outcome> {
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), closing.signal])
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'OpsConductor',
      ...(secret === undefined ? {} : signStandardWebhook([secret], { id, body, at: now() })),
    }
    try {
      const answer = await request(url, { dispatcher: agent, method: 'POST', headers, body, signal })
      // What it says is of no interest, and a fault in saying it undoes nothing.
      await answer.body.dump({ limit: answerBytesMax, signal }).catch(() => {})
      return outcomeOf(answer.statusCode, retryAfterMs(answer.headers['retry-after'], now()))
    } catch (error) {
      if (closing.signal.aborted) return { state: 'again', why: 'given up at the end of the process' }
      return { state: 'again', why: whyNoAnswer(error, timeoutMs) }
    }
  }

  async function deliver(webhook: Webhook, id: string, body: string): Promise<Failure | undefined> {
    for (let tries = 1; ; tries++) {
      const outcome = await post(webhook, id, body)
      if (outcome.state === 'delivered') return undefined
      const afterMs = outcome.retryAfterMs ?? backOffMs(tries)
      const isLast = outcome.state === 'refused' || tries === triesMax || afterMs > retryAfterMsMax
      if (isLast || closing.signal.aborted)
        return {
          why: `${new URL(webhook.url).host}: ${outcome.why}`,
          messageRefused: outcome.messageRefused === true,
        }
      // Closing ends the wait; the next try then fails at once, and is the last.
      await wait(afterMs, closing.signal).catch(() => {})
    }
  }

  return {
    async notify(notification) {
      const body = toBody(notification, now())
      const outcomes = await Promise.all(webhooks.map((webhook) => deliver(webhook, notification.id, body)))
      const failures = outcomes.filter((outcome) => outcome !== undefined)
      if (failures.length > 0) throw notDelivered(failures)
    },
    async close() {
      closing.abort()
      await agent.destroy()
    },
  }
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

interface Outcome {
  state: 'delivered' | 'again' | 'refused'
  /** For a person; empty where it was delivered. */
  why: string
  messageRefused?: boolean
  retryAfterMs?: number | undefined
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

/** RFC 9110: seconds, or a date; undefined where there is none that can be used. */
function retryAfterMs(header: string | string[] | undefined, at: Date): number | undefined {
  if (typeof header !== 'string') return undefined
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - at.getTime()
  return Number.isFinite(ms) ? Math.max(ms, 0) : undefined
}

function notDelivered(failures: readonly Failure[]): Error & { messageRefused: boolean } {
  const why = failures.map((failure) => failure.why).join('; ')
  return Object.assign(new Error(`A notification was not delivered (${why}).`), {
    messageRefused: failures.every((failure) => failure.messageRefused),
  })
}

/** `text` makes it a message that Slack's incoming webhooks take as it is: there `<…>` would be a link or call everybody. */
function toBody({ id, type, title, text, facts }: Notification, at: Date): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return JSON.stringify({ id, type, title, text: escaped, facts, created_at: at.toISOString() })
}
