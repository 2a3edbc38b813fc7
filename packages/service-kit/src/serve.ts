import type { Server } from 'node:http'
import type { Express } from 'express'
import { ConfigError } from './config.ts'
import type { Logger } from './log.ts'

export interface Listening {
  port: number
  url: string
  /** Stops accepting, lets requests in flight end (at most `graceMs`), then cuts what is left. */
  close(): Promise<void>
}

const graceMs = 5_000

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
      server.closeIdleConnections()
      const cut = setTimeout(() => server.closeAllConnections(), graceMs)
      await closed
      clearTimeout(cut)
    },
  }
}

/** What a started service gives back to its main. */
export interface RunningService {
  log: Logger
  /** Ends listeners first, then what they used. */
  stop(): Promise<void>
}

/** How long a stop may take before the process ends anyhow (the Temporal runtime can hold it open). */
const hardExitMs = 12_000

/**
 * The whole of a service's main: starts it, stops it on SIGTERM and SIGINT, and ends with one clear line on stderr and
 * code 1 where it cannot start.
 */
export async function runService(name: string, start: () => Promise<RunningService>): Promise<void> {
  let running: RunningService
  try {
    running = await start()
  } catch (error) {
    process.stderr.write(`${name}: ${startFault(error)}\n`)
    process.exit(1)
  }
  const { log, stop } = running
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
  if (code === 'EADDRINUSE') return `port ${port} is busy; another PUBLIC_PORT or INTERNAL_PORT moves it`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
