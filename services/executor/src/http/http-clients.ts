import { type Connection, checkedConnector, type Reach } from '@opsconductor/reach'
import { Agent, type Dispatcher } from 'undici'
import { createTokenCache, type TokenCache } from './auth/token-cache.ts'

export interface HttpClients {
  /** The connections of steps that reach their targets in this way. */
  clientFor(reach: Reach, connection: Connection): Dispatcher
  /** Access tokens that steps were given. */
  tokens: TokenCache
  close(): Promise<void>
}

const clientsMax = 200
const unusedMs = 300_000
/** The step's own timeout ends an exchange; these only end what nobody waits for any more. */
const exchangeMsMax = 3_600_000

/**
 * One set of connections per way to reach targets and per way to connect: a connection that was opened under one
 * project's policy never serves another's, none outlives the policy that allowed it, and one that showed a client
 * certificate serves only steps that show it too.
 */
export function createHttpClients(now: () => number = Date.now): HttpClients {
  const clients = new Map<string, { agent: Agent; usedAt: number }>()

  const open = (reach: Reach, connection: Connection): Agent =>
    new Agent({
      connect: checkedConnector(reach, connection),
      connections: 32,
      pipelining: 1,
      keepAliveTimeout: 10_000,
      keepAliveMaxTimeout: 60_000,
      headersTimeout: exchangeMsMax,
      bodyTimeout: exchangeMsMax,
      maxHeaderSize: 64 * 1024,
    })

  function drop(key: string): void {
    // close, not destroy: exchanges under way were allowed when they began.
    void clients.get(key)?.agent.close()
    clients.delete(key)
  }

  function dropUnused(): void {
    for (const [key, { usedAt }] of clients) if (now() - usedAt > unusedMs) drop(key)
    // The map is kept in the order of use.
    if (clients.size >= clientsMax) drop(clients.keys().next().value as string)
  }

  return {
    clientFor(reach, connection) {
      const key = JSON.stringify([reach.key, connection.key])
      const known = clients.get(key)
      if (known === undefined) dropUnused()
      clients.delete(key)
      const agent = known?.agent ?? open(reach, connection)
      clients.set(key, { agent, usedAt: now() })
      return agent
    },
    tokens: createTokenCache(),
    async close() {
      await Promise.all([...clients.values()].map(({ agent }) => agent.destroy()))
      clients.clear()
    },
  }
}
