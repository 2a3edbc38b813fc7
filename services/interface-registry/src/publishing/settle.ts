import { type KongAdminClient, KongAdminError } from '@opsconductor/kong-admin-client'
import type pg from 'pg'
import type { RegistryConfig } from '../config.ts'
import type { RegistryEvents } from '../events.ts'
import { faceText, fits, type KongPlan, planFor, routeNamesOf, serviceNameOf } from './plan.ts'
import { provenThroughGateway } from './probe.ts'
import { type FaceState, forgetProof, markPublished, markWithdrawn, noteError, selectFace } from './store.ts'

export interface PublishingContext {
  config: RegistryConfig
  pool: pg.Pool
  kong: KongAdminClient
  events: RegistryEvents
  signal: AbortSignal
}

/**
 * Brings Kong to what the row says now, whatever it held: pending faces are published, withdrawn and deleted ones
 * removed. Throws where it could not, after noting the reason in the row. Doing it twice changes nothing.
 */
export async function settleFace(context: PublishingContext, id: string): Promise<void> {
  const face = await selectFace(context.pool, id)
  try {
    if (face?.state === 'pending') await publish(context, face)
    else if (face?.state !== 'published') await withdraw(context, id, face)
  } catch (error) {
    context.events.settlingFailed(id, error)
    if (face !== undefined) await noteError(context.pool, face, reasonOf(error))
    throw error
  }
}

async function publish(context: PublishingContext, face: FaceState): Promise<void> {
  const { pool, kong, config, events } = context
  const plan = planFor(face, config.REGISTRY_UPSTREAM_URL)
  const { routeId, changed } = await applyRouting(context, face, plan)
  // The probe counts as a call, so a new limit comes after it, and it is made only where the routing changed.
  if (changed || face.provenFace !== faceText(face)) await prove(context, face)
  const { id, body } = plan.rateLimit
  if (body === null) await kong.plugins.delete(id)
  else await kong.plugins.put(id, body)
  if (await markPublished(pool, face, { routeId, provenFace: faceText(face) }))
    events.interfacePublished(face.id)
}

async function applyRouting(
  { pool, kong }: PublishingContext,
  face: FaceState,
  plan: KongPlan,
): Promise<{ routeId: string; changed: boolean }> {
  let service = await kong.services.get(plan.service.name)
  const routes = await Promise.all(plan.routes.map(({ name }) => kong.routes.get(name)))
  const changed =
    !fits(service, plan.service.body) ||
    plan.routes.some(({ body }, index) => !fits(routes[index], body, service?.id))
  if (changed) {
    await forgetProof(pool, face.id)
    service = await kong.services.put(plan.service.name, plan.service.body)
    for (const [index, { name, body }] of plan.routes.entries())
      routes[index] = await kong.routes.put(name, body)
  }
  return { routeId: String(routes[0]?.id), changed }
}

class NotLiveYet extends Error {}

async function prove({ config, signal }: PublishingContext, face: FaceState): Promise<void> {
  const live = await provenThroughGateway(face, {
    proxyUrl: config.KONG_PROXY_URL,
    // A little less than whoever asked waits, so that the reason is in the row when they look.
    withinMs: config.PUBLISH_WAIT_SECONDS * 900,
    signal,
  })
  if (!live) throw new NotLiveYet('a call through the gateway does not reach the interface yet')
}

async function withdraw(context: PublishingContext, id: string, face: FaceState | undefined): Promise<void> {
  const { kong, pool, events } = context
  for (const name of routeNamesOf(id)) await kong.routes.delete(name)
  await kong.services.delete(serviceNameOf(id))
  if (face?.state !== 'withdrawing' || (await markWithdrawn(pool, face))) events.interfaceWithdrawn(id)
}

/** For people who read the interface: no address, no stack. */
function reasonOf(error: unknown): string {
  if (error instanceof NotLiveYet) return 'A call through the gateway does not reach the interface yet.'
  if (!(error instanceof KongAdminError)) return 'The change could not be brought to the gateway yet.'
  if (error.kind === 'unreachable')
    return 'The gateway cannot be reached; the change is applied when it is back.'
  return `The gateway refused the change: ${error.message}`.slice(0, 500)
}
