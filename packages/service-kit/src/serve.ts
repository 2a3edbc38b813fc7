import type { Server } from 'node:http'
import { databaseUnavailable } from '@opsconductor/database'
import type { Express } from 'express'
import { ConfigError } from './config.ts'
import type { Logger } from './log.ts'
import { startTracing, type Tracing } from './tracing.ts'

export interface Listening {
  port: number
  url: string
  /** Stops accepting, lets requests in flight end (at most `graceMs`), then cuts what is left. */
  close(): Promise<void>
}

const graceMs = 5_000
const sweepMs = 50

export async function listen(app: Express, host: string, port: number): Promise<Listening> {
  const server = await new Promise<Server>((resolve, reject) => {
    const opened = app.listen(port, host, (error?: Error) => (error ? reject(error) : resolve(opened)))
  })
  server.requestTimeout = 60_000
  // Longer than any client's or gateway's idle time, so that they close first and never race a request against it.
  server.keepAliveTimeout = 75_000
  server.headersTimeout = 20_000
  const address = server.address()
  const actual = typeof address === 'object' && address !== null ? address.port : port
  return {
    port: actual,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      // A connection is idle again when the request that is on it now has been answered.
      const sweep = setInterval(() => server.closeIdleConnections(), sweepMs)
      const cut = setTimeout(() => server.closeAllConnections(), graceMs)
      await closed
      clearInterval(sweep)
      clearTimeout(cut)
    },
  }
}

/** What a service is made of, once its configuration is read. */
export interface ServiceParts {
  log: Logger
  publicApp: Express
  internalApp: Express
  /** For what must not begin before the service can be reached. */
  onListening?(): void
  /** Before anything is closed: answers that last as long as they can, as streams of events, end now. */
  onStopping?(): void
  /** Ends work that others ask us about over the internal listener; called when the public one is closed. */
  drain?(): Promise<void>
  /** Ends what the apps used; called when no request is under way any more. */
  dispose(): Promise<void>
}

interface ListenConfig {
  HOST: string
  PUBLIC_PORT: number
  INTERNAL_PORT: number
  OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined
}

/** How long a stop may take before the process ends anyhow (the Temporal runtime can hold it open). */
const hardExitMs = 12_000

/**
 * The whole of a service's main: reads its configuration, makes its parts, listens, and stops on SIGTERM and SIGINT.
 * Where it cannot start it says why in one line on stderr and ends with code 1.
 */
export async function runService<Config extends ListenConfig>(
  name: string,
  readServiceConfig: () => Config,
  createParts: (config: Config, tracing: Tracing) => Promise<ServiceParts> | ServiceParts,
): Promise<void> {
  try {
    const config = readServiceConfig()
    const tracing = await startTracing(name, config.OTEL_EXPORTER_OTLP_ENDPOINT)
    const parts = await createParts(config, tracing)
    const internal = await listen(parts.internalApp, config.HOST, config.INTERNAL_PORT)
    const open = await listen(parts.publicApp, config.HOST, config.PUBLIC_PORT)
    parts.log.info({ public_url: open.url, internal_url: internal.url }, 'listening')
    parts.onListening?.()
    stopOnSignal(parts.log, async () => {
      parts.onStopping?.()
      await open.close()
      await parts.drain?.()
      await internal.close()
      await parts.dispose()
      await tracing.stop()
    })
  } catch (error) {
    process.stderr.write(`${name}: ${startFault(error)}\n`)
    process.exit(1)
  }
}

function stopOnSignal(log: Logger, stop: () => Promise<void>): void {
  let stopping = false
  const end = (signal: string) => {
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(1), hardExitMs).unref()
    log.info({ signal }, 'stopping')
    stop().then(
      () => process.exit(0),
      (error) => {
        log.error({ err: error }, 'did not stop cleanly')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', () => end('SIGTERM'))
  process.on('SIGINT', () => end('SIGINT'))
  process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'))
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught exception')
    process.exit(1)
  })
}

function startFault(error: unknown): string {
  if (error instanceof ConfigError) return error.message.replaceAll('\n', '; ')
  const { code, port } = error as { code?: string; port?: number }
  if (databaseUnavailable(error) !== undefined) return 'the database at DATABASE_URL cannot be reached'
  if (code === 'EADDRINUSE') return `port ${port} is busy; another PUBLIC_PORT or INTERNAL_PORT moves it`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
