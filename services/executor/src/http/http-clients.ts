import type { OutboundPolicy } from '@opsconductor/contracts'
import { Agent, type Dispatcher } from 'undici'
import type { Resolve } from '../outbound-policy/resolve-target.ts'
import { checkedConnector } from './checked-connector.ts'

export interface HttpClients {
  /** The project's dispatcher under its policy of now. */
  clientFor(projectId: string, policy: OutboundPolicy): Dispatcher
  close(): Promise<void>
}

const projectsMax = 200
/** The step's own timeout ends an exchange; these only end what nobody waits for any more. */
const exchangeMsMax = 3_600_000

/**
 * One set of connections per project and policy: a connection that was opened under one project's policy never serves
 * another's, and none outlives the policy that allowed it.
 */
export function createHttpClients(resolve: Resolve): HttpClients {
  const clients = new Map<string, { rules: string; agent: Agent }>()

  function open(policy: OutboundPolicy): Agent {
    return new Agent({
      connect: checkedConnector(policy, resolve),
      connections: 32,
      pipelining: 1,
      keepAliveTimeout: 10_000,
      keepAliveMaxTimeout: 60_000,
      headersTimeout: exchangeMsMax,
      bodyTimeout: exchangeMsMax,
      maxHeaderSize: 64 * 1024,
    })
  }

  function drop(projectId: string): void {
    // close, not destroy: exchanges under way were allowed when they began.
    void clients.get(projectId)?.agent.close()
    clients.delete(projectId)
  }

  return {
    clientFor(projectId, policy) {
      const rules = JSON.stringify(policy)
      const known = clients.get(projectId)
      if (known?.rules === rules) return known.agent
      drop(projectId)
      if (clients.size >= projectsMax) drop(clients.keys().next().value as string)
      const agent = open(policy)
      clients.set(projectId, { rules, agent })
      return agent
    },
    async close() {
      await Promise.all([...clients.values()].map(({ agent }) => agent.destroy()))
      clients.clear()
    },
  }
}
