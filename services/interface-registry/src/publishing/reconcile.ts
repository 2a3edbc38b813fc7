import { faceIdOf, fits, type KongPlan, ownTag, planFor } from './plan.ts'
import type { PublishingContext } from './settle.ts'
import { markPending, selectUnwithdrawnFaces } from './store.ts'

type Unsignalled = Omit<PublishingContext, 'signal'>

interface Entity {
  id: string
  name?: string | null
  tags?: unknown
}

interface Held {
  services: Map<string, Entity>
  routes: Map<string, Entity>
  plugins: Map<string, Entity>
}

/**
 * Compares all that Kong holds of ours with all our rows; answers the public interfaces that must be settled: not yet
 * applied, missing or edited by somebody else in Kong, or left there although withdrawn or deleted.
 */
export async function findUnsettled(context: Unsignalled): Promise<string[]> {
  const { pool, config } = context
  // Kong first: what is created while we look is then a row without an object, never an object without a row.
  const held = await readKong(context)
  const faces = await selectUnwithdrawnFaces(pool)
  const unsettled = new Set<string>()
  let heldNow: Held | undefined
  for (const face of faces) {
    if (face.state === 'published') {
      const plan = planFor(face, config.REGISTRY_UPSTREAM_URL)
      if (isHeld(held, plan)) continue
      // Looked at again: it may have been published since.
      heldNow ??= await readKong(context)
      if (isHeld(heldNow, plan)) continue
      await markPending(pool, face, 'The gateway lost or changed the interface; it is being restored.')
    }
    unsettled.add(face.id)
  }
  const known = new Set(faces.map(({ id }) => id))
  for (const entity of [...held.services.values(), ...held.routes.values()]) {
    const id = faceIdOf(entity)
    if (id !== undefined && !known.has(id)) unsettled.add(id)
  }
  return [...unsettled]
}

async function readKong({ kong }: Unsignalled): Promise<Held> {
  const options = { tags: [ownTag] }
  const [services, routes, plugins] = await Promise.all([
    collect(kong.services.list(options), 'name'),
    collect(kong.routes.list(options), 'name'),
    collect(kong.plugins.list(options), 'id'),
  ])
  return { services, routes, plugins }
}

async function collect(entities: AsyncIterable<object>, key: 'id' | 'name'): Promise<Map<string, Entity>> {
  const found = new Map<string, Entity>()
  for await (const entity of entities as AsyncIterable<Entity>) found.set(String(entity[key]), entity)
  return found
}

function isHeld(held: Held, plan: KongPlan): boolean {
  const service = held.services.get(plan.service.name)
  const plugin = held.plugins.get(plan.rateLimit.id)
  return (
    fits(service, plan.service.body) &&
    plan.routes.every(({ name, body }) => fits(held.routes.get(name), body, service?.id)) &&
    (plan.rateLimit.body === null ? plugin === undefined : fits(plugin, plan.rateLimit.body, service?.id))
  )
}
