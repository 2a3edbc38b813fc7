import type { ServiceName } from '@opsconductor/contracts'
import {
  type AnyInternalRoute,
  createInternalApp,
  createLog,
  createMetrics,
  internalKeys,
  listen,
} from '@opsconductor/service-kit'

/** The shared internal key of every test. */
export const testInternalKey = 'internal-key-for-tests-0123456789'

/** The internal listener of a neighbour, on a free port of loopback: its endpoints of the contract over real HTTP. */
export function servePeer(service: ServiceName, routes: AnyInternalRoute[], internalKey = testInternalKey) {
  const app = createInternalApp({
    log: createLog(`${service}-peer`, 'silent'),
    metrics: createMetrics(),
    keys: internalKeys({ INTERNAL_KEY: [internalKey] }, service),
    ready: async () => {},
    routes,
  })
  return listen(app, '127.0.0.1', 0)
}
