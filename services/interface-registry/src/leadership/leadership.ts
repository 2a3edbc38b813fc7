import pg from 'pg'

export interface LeadershipOptions {
  connectionString: string
  onChange(leads: boolean): void
  onError(error: Error): void
}

export interface Leadership {
  leads(): boolean
  /** Called in the moment in which this process begins to lead. */
  onLeading(begin: () => void): void
  /** Begins to seek it. */
  start(): void
  stop(): Promise<void>
}

/** Any pair of numbers that nothing else in this database locks. */
const lockKeys = '(4711, 1)'
const retryMs = 1_000

/**
 * One process at a time leads: the one whose connection holds the advisory lock. PostgreSQL lets go of it with the
 * connection, so a leader that dies is followed by another within about a second.
 */
export function createLeadership(options: LeadershipOptions): Leadership {
  const followers: (() => void)[] = []
  let leads = false
  let stopped = false
  let client: pg.Client | undefined
  let timer: NodeJS.Timeout | undefined
  let first: Promise<void> | undefined

  function lose(of: pg.Client | undefined, error?: Error): void {
    if (of !== client) return
    client = undefined
    of?.end().catch(() => {})
    if (leads) {
      leads = false
      options.onChange(false)
    }
    if (stopped) return
    if (error) options.onError(error)
    timer = setTimeout(() => void seek(), retryMs)
  }

  async function seek(): Promise<void> {
    const own =
      client ??
      new pg.Client({
        connectionString: options.connectionString,
        keepAlive: true,
        connectionTimeoutMillis: 5_000,
      })
    try {
      if (client === undefined) {
        client = own
        own.on('error', (error) => lose(own, error))
        own.on('end', () => lose(own))
        await own.connect()
      }
      const { rows } = await own.query<{ locked: boolean }>(
        `SELECT pg_try_advisory_lock${lockKeys} AS locked`,
      )
      if (stopped || own !== client) return
      if (rows[0]?.locked) {
        leads = true
        options.onChange(true)
        for (const begin of followers) begin()
      } else timer = setTimeout(() => void seek(), retryMs)
    } catch (error) {
      lose(own, error as Error)
    }
  }

  return {
    leads: () => leads,
    onLeading: (begin) => followers.push(begin),
    start() {
      first ??= seek()
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await first
      const own = client
      client = undefined
      leads = false
      await own?.end().catch(() => {})
    },
  }
}
