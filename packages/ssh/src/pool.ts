import type { Duplex } from 'node:stream'
import { AppError } from '@opsconductor/errors'
import type { SshConnection } from './connection.ts'
import { connectionLost } from './ssh-error.ts'

/** Opens a connection; ends its work when `signal` fires. */
export type OpenConnection = (signal: AbortSignal) => Promise<SshConnection>

/** Connections that many users share. Two users of one key must be free to use each other's. */
export interface SshPool {
  /** Lends a connection that has room for one more session, of which `work` opens one at a time. */
  use<T>(
    key: string,
    open: OpenConnection,
    signal: AbortSignal,
    work: (connection: SshConnection) => Promise<T>,
  ): Promise<T>
  /** A tunnel keeps its connection until it is closed. */
  forward(
    key: string,
    open: OpenConnection,
    target: { host: string; port: number },
    signal: AbortSignal,
  ): Promise<Duplex>
  close(): void
}

interface Shared {
  connection: SshConnection
  sessions: number
  tunnels: number
  /** What the server was seen to allow. */
  sessionsMax: number
  idleSince: number
}

interface Opening {
  shared: Promise<Shared>
  waiting: number
  abandon: AbortController
}

/** One less than sshd's MaxSessions by default: killing a command takes a session too. */
const sessionsByDefault = 9
const tunnelsMax = 64
const connectionsMax = 200
const attemptsMax = 3

export function createSshPool({ idleMs = 60_000, sweepMs = 10_000 } = {}): SshPool {
  const pools = new Map<string, Set<Shared>>()
  const openings = new Map<string, Opening>()
  const idle = ({ sessions, tunnels }: Shared) => sessions === 0 && tunnels === 0
  const all = () => [...pools.values()].flatMap((pool) => [...pool])

  const sweep = setInterval(() => {
    const now = performance.now()
    for (const shared of all()) if (idle(shared) && now - shared.idleSince > idleMs) shared.connection.close()
  }, sweepMs)
  sweep.unref()

  function makeRoom(): void {
    const shared = all()
    if (shared.length + openings.size < connectionsMax) return
    const [oldest] = shared.filter(idle).sort((a, b) => a.idleSince - b.idleSince)
    if (oldest === undefined)
      throw new AppError('service_unavailable', `More than ${connectionsMax} SSH connections are in use.`)
    oldest.connection.close()
  }

  function add(key: string, connection: SshConnection): Shared {
    const shared: Shared = {
      ...{ connection, sessions: 0, tunnels: 0 },
      sessionsMax: sessionsByDefault,
      idleSince: performance.now(),
    }
    const pool = pools.get(key) ?? new Set()
    pools.set(key, pool.add(shared))
    const forget = () => {
      pool.delete(shared)
      if (pool.size === 0 && pools.get(key) === pool) pools.delete(key)
    }
    if (connection.isOpen()) connection.closed.addEventListener('abort', forget, { once: true })
    else forget()
    return shared
  }

  function startOpening(key: string, open: OpenConnection): Opening {
    makeRoom()
    const abandon = new AbortController()
    const shared = open(abandon.signal).then((connection) => add(key, connection))
    const opening: Opening = { shared, waiting: 0, abandon }
    openings.set(key, opening)
    const ended = () => {
      if (openings.get(key) === opening) openings.delete(key)
    }
    shared.then(ended, ended)
    return opening
  }

  /** Several who need a new connection at the same time wait for one; it is given up when none of them waits any more. */
  async function waitForOpening(key: string, open: OpenConnection, signal: AbortSignal): Promise<Shared> {
    const opening = openings.get(key) ?? startOpening(key, open)
    opening.waiting++
    let stop = () => {}
    const stopped = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason)
      signal.addEventListener('abort', stop, { once: true })
    })
    try {
      return await Promise.race([opening.shared, stopped])
    } finally {
      signal.removeEventListener('abort', stop)
      if (--opening.waiting === 0) {
        // Who comes now must not wait for what is being given up.
        if (openings.get(key) === opening) openings.delete(key)
        opening.abandon.abort(new AppError('step_timeout', 'Nobody waits any more.'))
      }
    }
  }

  async function take(
    key: string,
    open: OpenConnection,
    signal: AbortSignal,
    hasRoom: (shared: Shared) => boolean,
  ): Promise<Shared> {
    for (;;) {
      signal.throwIfAborted()
      const free = [...(pools.get(key) ?? [])].find((one) => one.connection.isOpen() && hasRoom(one))
      if (free !== undefined) return free
      const opened = await waitForOpening(key, open, signal)
      // A server that ends every connection at once would be asked again and again.
      if (!opened.connection.isOpen()) throw connectionLost()
      // Others that waited for it may have filled it.
      if (hasRoom(opened)) return opened
    }
  }

  return {
    async use(key, open, signal, work) {
      for (let attempt = 1; ; attempt++) {
        const shared = await take(key, open, signal, (one) => one.sessions < one.sessionsMax)
        shared.sessions++
        try {
          return await work(shared.connection)
        } catch (error) {
          const isFull = error instanceof AppError && error.internal?.sessionsFull === true
          if (!isFull || shared.sessions === 1 || attempt === attemptsMax) throw error
          shared.sessionsMax = shared.sessions - 1
        } finally {
          shared.sessions--
          shared.idleSince = performance.now()
        }
      }
    },
    async forward(key, open, { host, port }, signal) {
      const shared = await take(key, open, signal, (one) => one.tunnels < tunnelsMax)
      shared.tunnels++
      const release = () => {
        shared.tunnels--
        shared.idleSince = performance.now()
      }
      try {
        const tunnel = await shared.connection.forward(host, port, signal)
        tunnel.once('close', release)
        return tunnel
      } catch (error) {
        release()
        throw error
      }
    },
    close() {
      clearInterval(sweep)
      for (const { abandon } of openings.values())
        abandon.abort(new AppError('service_unavailable', 'Stopping.'))
      for (const { connection } of all()) connection.close()
    },
  }
}
