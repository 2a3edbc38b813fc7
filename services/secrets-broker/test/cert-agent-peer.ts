import { randomUUID } from 'node:crypto'
import { findOperationEndpoint } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import {
  createInternalApp,
  createLog,
  createMetrics,
  internalKeys,
  internalRoute,
  listen,
} from '@opsconductor/service-kit'
import { testInternalKey } from '@opsconductor/test-peers'
import type { z } from 'zod'

type Operation = z.infer<typeof findOperationEndpoint.answer>

/** cert-agent's internal listener as the broker sees it, with operations in memory. */
export async function startCertAgentPeer() {
  const operations = new Map<string, Operation>()
  const app = createInternalApp({
    log: createLog('cert-agent-peer', 'silent'),
    metrics: createMetrics(),
    keys: internalKeys({ INTERNAL_KEY: [testInternalKey] }, 'cert-agent'),
    ready: async () => {},
    routes: [
      internalRoute(findOperationEndpoint, async ({ params }) => {
        const operation = operations.get(params.id as string)
        if (operation === undefined) throw new AppError('not_found', 'There is no such operation.')
        return operation
      }),
    ],
  })
  const listening = await listen(app, '127.0.0.1', 0)
  return {
    url: listening.url,
    /** The operation may be changed afterwards. */
    add(operation: Partial<Operation> & Pick<Operation, 'project_id'>): Operation & { id: string } {
      const added = { id: randomUUID(), running: true, credentials: [], ...operation }
      operations.set(added.id, added)
      return added
    },
    close: () => listening.close(),
  }
}
