import { AppError } from '@opsconductor/errors'
import { ensureNamespace, type Temporal } from '@opsconductor/temporal'
import type pg from 'pg'
import type { RegistryEvents } from '../events.ts'
import type { Endpoints } from './endpoints.ts'
import { endpointNameOf, fits, isOurs, planFor } from './plan.ts'
import { type EndpointWish, noteState, removeDeleted, selectWish } from './store.ts'

export interface EndpointsContext {
  pool: pg.Pool
  temporal: Temporal
  endpoints: Endpoints
  events: RegistryEvents
  installation(): Promise<string>
}

/**
 * Brings Temporal to what the connector's row says now: its endpoint is made or put right, or removed with the row.
 * Throws where it could not, after noting the reason in the row. Doing it twice changes nothing.
 */
export async function settleEndpoint(context: EndpointsContext, id: string): Promise<void> {
  const wish = await selectWish(context.pool, id)
  if (wish?.state === 'ready') return
  try {
    if (wish === undefined || wish.state === 'deleting') await remove(context, id, wish)
    else await keep(context, wish)
  } catch (error) {
    context.events.endpointNotSettled(id, error)
    if (wish !== undefined) await noteState(context.pool, wish, failure(wish, error))
    throw error
  }
}

async function keep(context: EndpointsContext, wish: EndpointWish): Promise<void> {
  const { pool, temporal, endpoints, events } = context
  const planned = planFor(wish, await context.installation())
  await ensureNamespace(temporal.connection, planned.namespace)
  let held = await endpoints.find(planned.name)
  if (held === undefined) held = await endpoints.create(planned)
  else if (!fits(held, planned)) await endpoints.update(held, planned)
  if (!fits(await endpoints.get(held.id), planned)) throw new NotLiveYet()
  if (await noteState(pool, wish, { state: 'ready', lastError: null })) events.endpointReady(wish.id)
}

async function remove(
  { pool, endpoints, events, installation }: EndpointsContext,
  id: string,
  wish: EndpointWish | undefined,
): Promise<void> {
  const held = await endpoints.find(endpointNameOf(id))
  if (held !== undefined && (wish !== undefined || isOurs(held, await installation()))) {
    await endpoints.remove(held)
    events.endpointRemoved(id)
  }
  if (wish !== undefined) await removeDeleted(pool, id)
}

class NotLiveYet extends Error {}

/** For people who read the connector: no address, no stack. An outage is no failure of the connector. */
function failure({ state }: EndpointWish, error: unknown) {
  if (error instanceof AppError && error.code === 'service_unavailable')
    return { state, lastError: 'Temporal cannot be reached; the change is applied when it is back.' }
  const lastError =
    error instanceof NotLiveYet
      ? 'Temporal does not route by the endpoint yet.'
      : 'Temporal refused the endpoint; it is tried again.'
  return { state: state === 'deleting' ? state : ('failed' as const), lastError }
}
