import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '@opsconductor/errors'
import {
  Client,
  Connection,
  defaultGrpcRetryOptions,
  type GrpcRetryOptions,
  makeGrpcRetryInterceptor,
  type TLSConfig,
} from '@temporalio/client'
import { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry/lib/client/index.js'
import { temporalUnavailable } from './unavailable.ts'

export interface TemporalOptions {
  /** host:port */
  address: string
  tls?: TLSConfig | boolean
  /** Makes a span of each call and sends its context along; only useful where the process exports traces. */
  tracing?: boolean
}

export interface Temporal {
  connection: Connection
  /** The client of a namespace; always the same one. */
  clientFor(namespace: string): Client
  /** Throws `service_unavailable` where Temporal does not answer. */
  ready(): Promise<void>
  close(): Promise<void>
}

const readyMs = 2_000
/** Timers are counted in whole milliseconds. */
const timerSlackMs = 5

/** Connects when first used, and again whenever the connection was lost. A call fails fast while the server is away. */
export function connectTemporal(options: TemporalOptions): Temporal {
  const retries = createRetries()
  const connection = Connection.lazy({
    address: options.address,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    interceptors: [makeGrpcRetryInterceptor(retries.options)],
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 2_000 },
  })
  const workflow = options.tracing ? [new OpenTelemetryWorkflowClientInterceptor()] : []
  const clients = new Map<string, Client>()
  return {
    connection,
    clientFor(namespace) {
      let client = clients.get(namespace)
      if (client === undefined) {
        client = new Client({ connection, namespace, interceptors: { workflow } })
        clients.set(namespace, client)
      }
      return client
    },
    async ready() {
      try {
        await connection.withDeadline(Date.now() + readyMs, () =>
          connection.workflowService.getSystemInfo({}),
        )
      } catch (error) {
        throw (
          temporalUnavailable(error) ??
          new AppError('service_unavailable', 'Temporal is not available.', {
            cause: error,
            retryAfterSeconds: 2,
          })
        )
      }
    },
    async close() {
      await retries.end()
      await connection.close()
    },
  }
}

/**
 * The library's own ten attempts would hold a caller for half a minute while the server is down. And an attempt that
 * falls due after the connection was closed throws in its timer, which would end the process.
 */
function createRetries() {
  const options = defaultGrpcRetryOptions({ maxAttempts: 3 })
  let ended = false
  let lastDueAt = 0
  return {
    options: {
      retryableDecider: (attempt, status) => !ended && options.retryableDecider(attempt, status),
      delayFunction(attempt, status) {
        const delayMs = options.delayFunction(attempt, status)
        lastDueAt = Math.max(lastDueAt, performance.now() + delayMs)
        return delayMs
      },
    } satisfies GrpcRetryOptions,
    /** Resolves when none is due any more. */
    async end(): Promise<void> {
      ended = true
      const waitMs = lastDueAt - performance.now()
      if (waitMs > 0) await delay(waitMs + timerSlackMs)
    },
  }
}
