import pg from 'pg'
import { type ChangeEvent, channel } from './publish.ts'

export interface ListenOptions {
  connectionString: string
  onEvent(event: ChangeEvent): void
  /**
   * Events may have been missed: called after every (re)connection. Forget what you cached, reload what you follow.
   */
  onGap(): void
  onError(error: Error): void
}

export interface EventListener {
  /** False while the connection is down: what is cached may be stale and must not be trusted. */
  connected(): boolean
  stop(): Promise<void>
}

const retryMs = { first: 100, most: 5_000 }

/** Follows the changes that other processes publish, over its own connection, which it renews for as long as it takes. */
export function listenForEvents(options: ListenOptions): EventListener {
  let client: pg.Client | undefined
  let stopped = false
  let connected = false
  let delayMs = retryMs.first
  let timer: NodeJS.Timeout | undefined

  async function connect(): Promise<void> {
    const next = new pg.Client({
      connectionString: options.connectionString,
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      // A server that hangs after it let us in must not keep us from trying again.
      query_timeout: 5_000,
    })
    client = next
    let over = false
    const lost = (error?: Error) => {
      if (over) return
      over = true
      connected = false
      if (stopped) return
      if (error) options.onError(error)
      next.end().catch(() => {})
      timer = setTimeout(() => void connect(), delayMs)
      delayMs = Math.min(delayMs * 2, retryMs.most)
    }
    next.on('error', lost)
    next.on('end', () => lost())
    next.on('notification', (message) => {
      const event = parseEvent(message.payload)
      if (event) options.onEvent(event)
    })
    try {
      await next.connect()
      await next.query(`LISTEN ${channel}`)
      connected = true
      delayMs = retryMs.first
      options.onGap()
    } catch (error) {
      lost(error as Error)
    }
  }

  const starting = connect()
  return {
    connected: () => connected,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await starting
      await client?.end().catch(() => {})
    },
  }
}

/** A payload that is not ours (any role may notify) is ignored. */
function parseEvent(payload: string | undefined): ChangeEvent | undefined {
  try {
    const { topic, key } = JSON.parse(payload ?? '') as Partial<ChangeEvent>
    return typeof topic === 'string' && typeof key === 'string' ? { topic, key } : undefined
  } catch {
    return undefined
  }
}
