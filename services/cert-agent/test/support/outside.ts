import { randomUUID } from 'node:crypto'
import { createCachedLookup } from '@opsconductor/events'
import { resolveBySystem } from '@opsconductor/reach'
import { createInternalClient, createLog } from '@opsconductor/service-kit'
import { testInternalKey } from '@opsconductor/test-peers'
import type { openOutbound } from '../../src/outbound/open-outbound.ts'
import { startBrokerPeer } from './broker-peer.ts'
import { startExecutorPeer } from './executor-peer.ts'

/** What is needed to go outside as a project: its policy and whom it trusts, from the neighbours as peers. */
export async function startOutside() {
  const [broker, executor] = await Promise.all([startBrokerPeer(), startExecutorPeer()])
  const urls = { 'secrets-broker': broker.url, executor: executor.url }
  const internal = createInternalClient({ urls, key: testInternalKey })
  return {
    ...{ broker, executor, projectId: randomUUID() },
    deps: {
      internal,
      resolve: resolveBySystem,
      trustLookup: createCachedLookup({
        ttlMs: 10_000,
        entriesMax: 100,
        listener: { connected: () => true },
      }),
      log: createLog('cert-agent', 'silent'),
    } as Parameters<typeof openOutbound>[0],
    async stop() {
      await Promise.all([internal.close(), broker.close(), executor.close()])
    },
  }
}

export type Outside = Awaited<ReturnType<typeof startOutside>>
