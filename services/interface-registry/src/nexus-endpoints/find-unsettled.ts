import { connectorIdOf, fits, isOurs, planFor } from './plan.ts'
import type { EndpointsContext } from './settle.ts'
import { noteState, selectWishes } from './store.ts'

const lost = 'Temporal lost or changed the Nexus endpoint; it is being restored.'

/**
 * Compares all endpoints that Temporal holds with all our rows; answers the connectors whose endpoint must be settled:
 * not yet made, missing or edited by somebody else, or ours without a row. Others' endpoints are only counted.
 */
export async function findUnsettledEndpoints(context: EndpointsContext): Promise<string[]> {
  const { pool, endpoints, events } = context
  const installation = await context.installation()
  // Temporal first: what is created while we look is then a row without an endpoint, never an endpoint without a row.
  const held = await endpoints.list()
  const byName = new Map(held.map((endpoint) => [endpoint.name, endpoint]))
  const wishes = await selectWishes(pool)
  const unsettled = new Set<string>()
  for (const wish of wishes) {
    const planned = planFor(wish, installation)
    const endpoint = byName.get(planned.name)
    byName.delete(planned.name)
    if (wish.state === 'ready') {
      // Looked at again: it may have been made, or led elsewhere, since all were listed.
      if (fits(endpoint, planned) || fits(await endpoints.find(planned.name), planned)) continue
      await noteState(pool, wish, { state: 'pending', lastError: lost })
    }
    unsettled.add(wish.id)
  }
  const without = [...byName.values()]
  const orphans = without.filter((endpoint) => isOurs(endpoint, installation))
  for (const orphan of orphans) unsettled.add(connectorIdOf(orphan) as string)
  events.endpointsCounted({
    ours: held.length - without.length,
    orphans: orphans.length,
    others: without.filter((endpoint) => !orphans.includes(endpoint)).map(({ name }) => name),
  })
  return [...unsettled]
}
