import type { Temporal } from '@opsconductor/temporal'
import type pg from 'pg'
import type { RegistryConfig } from '../config.ts'
import type { RegistryEvents } from '../events.ts'
import type { Leadership } from '../leadership/leadership.ts'
import { createReconciler, type Reconciler } from '../leadership/reconciler.ts'
import { nexusEndpoints } from './endpoints.ts'
import { findUnsettledEndpoints } from './find-unsettled.ts'
import { fits, planFor } from './plan.ts'
import { type EndpointsContext, settleEndpoint } from './settle.ts'
import { selectInstallation } from './store.ts'

export interface EndpointKeeper extends Reconciler {
  /** Whether Temporal holds the connector's endpoint as it should; `service_unavailable` while Temporal is away. */
  isKept(connector: Parameters<typeof planFor>[0]): Promise<boolean>
}

/** Keeps a Nexus endpoint for each project connector. */
export function createEndpointKeeper(options: {
  config: RegistryConfig
  pool: pg.Pool
  temporal: Temporal
  events: RegistryEvents
  leadership: Leadership
}): EndpointKeeper {
  const { config, pool, temporal, events, leadership } = options
  let installation: string | undefined
  const context: EndpointsContext = {
    pool,
    temporal,
    endpoints: nexusEndpoints(temporal),
    events,
    async installation() {
      installation ??= await selectInstallation(pool)
      return installation
    },
  }
  const reconciler = createReconciler({
    leadership,
    intervalSeconds: config.RECONCILE_SECONDS,
    findUnsettled: () => findUnsettledEndpoints(context),
    settle: (id) => settleEndpoint(context, id),
    onFailure: events.endpointsNotCompared,
  })
  return {
    ...reconciler,
    async isKept(connector) {
      const planned = planFor(connector, await context.installation())
      return fits(await context.endpoints.find(planned.name), planned)
    },
  }
}
