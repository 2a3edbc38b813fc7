import { createHash, randomUUID } from 'node:crypto'
import type { OutboundPolicy } from '@opsconductor/contracts'
import {
  createReach,
  type HeldCredential,
  type Reach,
  type Resolve,
  resolveBySystem,
} from '@opsconductor/reach'
import { SecretValue } from '@opsconductor/redact'
import type { HttpExchange } from '../../src/http/exchange.ts'
import { createHttpClients } from '../../src/http/http-clients.ts'
import { sendOnce } from '../../src/http/send-once.ts'
import type { StepTools } from '../../src/step-types/define-step-type.ts'
import { stepTypes } from '../../src/step-types/index.ts'
import { trustOf } from '../support/step-trust.ts'

export interface RunOptions {
  policy?: Partial<OutboundPolicy>
  resolve?: Resolve
  reach?: (direct: Reach) => Reach
  credential?: HeldCredential
  clientCertificate?: HeldCredential
  caBundles?: string[]
  limitsHosts?: string[][]
  /** As `bundle 0`, the first of `caBundles`. */
  limitsCaBundles?: string[][]
  timeoutMs?: number
  signal?: AbortSignal
}

/** Runs http steps as the executor does, without Temporal and database: real policy, connections and targets. */
export function createStepRunner(defaults: RunOptions = {}) {
  const httpClients = createHttpClients()
  const projectId = randomUUID()
  const exchanges: HttpExchange[] = []
  const learnt: string[] = []
  const saved: { name: string; contentType: string; text: string }[] = []

  async function run(type: string, given: Record<string, unknown>, options: RunOptions = {}) {
    const of = { ...defaults, ...options }
    const stepType = stepTypes.get(type)
    if (stepType === undefined) throw new Error(`no step type ${type}`)
    const reach = createReach({
      // Connections are shared by what reaches its targets in the same way.
      projectId: of.resolve === undefined && of.reach === undefined ? projectId : randomUUID(),
      policy: { allow: [], ...of.policy },
      resolve: of.resolve ?? resolveBySystem,
      limitsHosts: of.limitsHosts ?? [],
    })
    const timeoutMs = of.timeoutMs ?? 10_000
    const shared = {
      credential: of.credential,
      clientCertificate: of.clientCertificate,
      reach: of.reach?.(reach) ?? reach,
      trust: trustOf(of.caBundles, of.limitsCaBundles),
      signal: of.signal ?? AbortSignal.timeout(timeoutMs),
    }
    const tools: Partial<StepTools> = {
      ...shared,
      timeoutMs,
      idempotencyKey: 'run:step',
      http: (outgoing) =>
        sendOnce({ ...shared, httpClients, record: (exchange) => exchanges.push(exchange) }, outgoing),
      accessTokens: httpClients.tokens,
      alsoRedact: (text) => learnt.push(text),
      artefacts: {
        async write({ name, contentType, content }) {
          const chunks: Uint8Array[] = []
          for await (const chunk of content) chunks.push(chunk)
          const bytes = Buffer.concat(chunks)
          saved.push({ name, contentType, text: bytes.toString() })
          const sha256 = createHash('sha256').update(bytes).digest('hex')
          return {
            id: randomUUID(),
            name,
            content_type: contentType,
            bytes: bytes.length,
            sha256,
            redacted: false,
          }
        },
        read: () => Promise.reject(new Error('nothing to read')),
      },
    }
    const input = stepType.input.parse(given)
    // biome-ignore lint/suspicious/noExplicitAny: each test knows what its target answers
    return (await stepType.run(input as never, tools as StepTools)) as any
  }

  return {
    run,
    /** The code and message of the step's error. */
    async failure(type: string, given: Record<string, unknown>, options: RunOptions = {}) {
      const result = await run(type, given, options).catch((error: unknown) => error)
      if (!(result instanceof Error)) throw new Error(`it did not fail: ${JSON.stringify(result)}`)
      return { code: (result as { code?: string }).code, message: result.message, error: result }
    },
    /** Every exchange, in order. */
    exchanges,
    /** What is taken out of whatever leaves. */
    learnt,
    saved,
    close: () => httpClients.close(),
  }
}

/** A credential as the broker lends it. */
export const lent = (
  type: string,
  secret: Record<string, string> = {},
  extra: Record<string, unknown> = {},
  headers?: Record<string, string>,
): HeldCredential => ({
  id: randomUUID(),
  type,
  secret: wrapped(secret),
  extra,
  http: headers === undefined ? null : { headers: wrapped(headers), query: {} },
})

const wrapped = (parts: Record<string, string>) =>
  Object.fromEntries(Object.entries(parts).map(([name, text]) => [name, new SecretValue(text)]))

/** Opens ports of loopback. */
export const opened = (...ports: number[]): Partial<OutboundPolicy> => ({
  allow: [{ cidr: '127.0.0.1', ports }],
})
