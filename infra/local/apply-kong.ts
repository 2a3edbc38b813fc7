/** Puts kong/kong.yml on a Kong (or the development gateway) through its Admin API. Also a command: `node infra/local/apply-kong.ts`. */
import { readFileSync } from 'node:fs'
import { createKongAdminClient, type KongAdminClient } from '@opsconductor/kong-admin-client'
import { parse } from 'yaml'

interface Declaration {
  services: ({ name: string; url: string; routes: ({ name: string } & Record<string, unknown>)[] } & Record<
    string,
    unknown
  >)[]
  plugins: ({ id: string; name: string } & Record<string, unknown>)[]
}

export interface ApplyOptions {
  adminUrl: string
  /** Values of the `${…}` in kong.yml. */
  urls: Record<string, string | undefined>
}

const tag = 'opsconductor-static'

/** kong.yml with its placeholders filled in; throws where one has no value. */
function readDeclaration(urls: ApplyOptions['urls']): Declaration {
  const text = readFileSync(new URL('../../kong/kong.yml', import.meta.url), 'utf8').replaceAll(
    /^[^#\n]*\$\{(\w+)\}/gm,
    (line, name: string) => {
      const value = urls[name]
      if (value === undefined) throw new Error(`${name} not set`)
      return line.replace(`\${${name}}`, value)
    },
  )
  return parse(text) as Declaration
}

/** Makes Kong hold exactly the static entities of kong.yml; answers how many routes there are. Safe to repeat. */
export async function applyStaticRoutes({ adminUrl, urls }: ApplyOptions): Promise<number> {
  const { services, plugins } = readDeclaration(urls)
  const kong = createKongAdminClient({ adminUrl, timeoutMs: 10_000 })
  try {
    for (const { routes, ...service } of services) {
      await kong.services.put(service.name, { ...service, tags: [tag] })
      for (const route of routes)
        await kong.routes.put(route.name, { ...route, service: { name: service.name }, tags: [tag] })
    }
    for (const { id, ...plugin } of plugins) await kong.plugins.put(id, { ...plugin, tags: [tag] })
    const routes = services.flatMap((service) => service.routes)
    await removeOthers(
      kong.plugins,
      plugins.map(({ id }) => id),
    )
    await removeOthers(
      kong.routes,
      routes.map(({ name }) => name),
    )
    await removeOthers(
      kong.services,
      services.map(({ name }) => name),
    )
    return routes.length
  } finally {
    await kong.close()
  }
}

type Room = Pick<
  KongAdminClient['services'] | KongAdminClient['routes'] | KongAdminClient['plugins'],
  'list' | 'delete'
>

/** Deletes the static entities that kong.yml no longer names. */
async function removeOthers(room: Room, kept: string[]): Promise<void> {
  const found: { id: string; name?: string | null }[] = []
  for await (const entity of room.list({ tags: [tag] })) found.push(entity)
  for (const { id, name } of found)
    if (!kept.includes(id) && !kept.includes(name ?? id)) await room.delete(id)
}

if (import.meta.main) {
  const adminUrl = process.env.KONG_ADMIN_URL
  try {
    if (adminUrl === undefined) throw new Error('KONG_ADMIN_URL not set')
    console.log(`${await applyStaticRoutes({ adminUrl, urls: process.env })} static routes are in place`)
  } catch (error) {
    console.error(`apply-kong: ${(error as Error).message}`)
    process.exit(1)
  }
}
