import { Agent, type Dispatcher } from 'undici'
import type { Reach } from '../reach/reach.ts'
import { checkedConnector } from './checked-connector.ts'

export interface HttpClients {
  /** The connections of steps that reach their targets in this way. */
  clientFor(reach: Reach): Dispatcher
  close(): Promise<void>
}

const clientsMax = 200
/** The step's own timeout ends an exchange; these only end what nobody waits for any more. */
const exchangeMsMax = 3_600_000

/**
 * One set of connections per way to reach targets: a connection that was opened under one project's policy never serves
 * another's, and none outlives the policy that allowed it.
 */
export function createHttpClients(): HttpClients {
  const clients = new Map<string, Agent>()

  const open = (reach: Reach): Agent =>
    new Agent({
      connect: checkedConnector(reach),
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
    void clients.get(key)?.close()
    clients.delete(key)
  }

  return {
    clientFor(reach) {
      const agent = clients.get(reach.key) ?? open(reach)
      // The map is kept in the order of use.
      clients.delete(reach.key)
      if (clients.size >= clientsMax) drop(clients.keys().next().value as string)
      clients.set(reach.key, agent)
      return agent
    },
    async close() {
      await Promise.all([...clients.values()].map((agent) => agent.destroy()))
      clients.clear()
    },
  }
}
