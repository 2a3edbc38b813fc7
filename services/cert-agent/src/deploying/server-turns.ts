import type { Turns } from '../leases/turns.ts'

/** Deployments to one server go on side by side, but for what tests or changes the configuration of its NGINX. */
export interface ServerTurns {
  /** Throws `signal`'s reason where it fires before the turn comes. */
  take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>
  /** One reload serves all that were put in place before its turn comes. */
  reload(signal: AbortSignal, work: () => Promise<void>): Promise<void>
}

export function turnsAt(turns: Turns, serverId: string): ServerTurns {
  const key = `server:${serverId}`
  return {
    take: (signal, work) => turns.take(key, signal, work),
    reload: (signal, work) => turns.share(key, signal, work),
  }
}

/** Of who has the server's turn already. */
export const alone: ServerTurns = { take: (_, work) => work(), reload: (_, work) => work() }
