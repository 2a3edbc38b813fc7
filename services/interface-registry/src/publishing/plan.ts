import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { uuidV8 } from '../uuid-v8.ts'

/** On every object that we keep in Kong; what does not carry it is not ours and never touched. */
export const ownTag = 'opsconductor'
const interfaceTag = /^oc-interface:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

export interface FaceToPublish {
  id: string
  hash: string
  httpMethod: string
  httpPath: string
  rateLimitPerMinute: number | null
}

type Entity = Record<string, unknown>

/** What Kong shall hold for one public interface: PUT by name or id, so that doing it twice changes nothing. */
export interface KongPlan {
  service: { name: string; body: Entity }
  /** The call itself first, then the status of its runs. */
  routes: { name: string; body: Entity }[]
  rateLimit: { id: string; body: Entity | null }
}

/** More than the 25 s that a call waits, so that it is never cut before our own answer. */
const upstreamMs = 35_000

export const serviceNameOf = (faceId: string): string => `oc-${faceId}`
export const routeNamesOf = (faceId: string): string[] => [`oc-${faceId}-call`, `oc-${faceId}-runs`]

/** Method and path as one text: what a probe proves. */
export const faceText = (face: Pick<FaceToPublish, 'httpMethod' | 'httpPath'>): string =>
  `${face.httpMethod} ${face.httpPath}`

export function planFor(face: FaceToPublish, upstreamUrl: string): KongPlan {
  const tags = [ownTag, `oc-interface:${face.id}`]
  const upstream = new URL(upstreamUrl)
  const protocol = upstream.protocol.slice(0, -1)
  const name = serviceNameOf(face.id)
  const route = (methods: string[], path: string) => ({
    service: { name },
    methods,
    // A regex: a plain path would also take `/orders2` for `/orders`.
    paths: [`~${path}$`],
    // Named although empty, so that a narrowing that somebody else adds is seen and undone.
    hosts: null,
    headers: null,
    protocols: ['http', 'https'],
    strip_path: false,
    preserve_host: false,
    tags,
  })
  const [callRoute, runsRoute] = routeNamesOf(face.id) as [string, string]
  return {
    service: {
      name,
      body: {
        protocol,
        host: upstream.hostname,
        port: Number(upstream.port || (protocol === 'https' ? 443 : 80)),
        path: null,
        enabled: true,
        // A call may have been taken although its answer was lost: never send it twice.
        retries: 0,
        connect_timeout: 5_000,
        read_timeout: upstreamMs,
        write_timeout: upstreamMs,
        tags,
      },
    },
    routes: [
      {
        name: callRoute,
        body: route([face.httpMethod], `/api/v1/${face.hash}${face.httpPath.replaceAll('.', '\\.')}`),
      },
      { name: runsRoute, body: route(['GET'], `/api/v1/${face.hash}/_runs/[0-9a-f-]{36}`) },
    ],
    rateLimit: {
      // The same each time: Kong's plugins have no names to PUT by.
      id: uuidV8(createHash('sha256').update(`rate-limiting:${face.id}`).digest()),
      body:
        face.rateLimitPerMinute === null
          ? null
          : {
              name: 'rate-limiting',
              service: { name },
              enabled: true,
              // By service, not by consumer: keys are ours and Kong knows no consumers.
              config: { minute: face.rateLimitPerMinute, limit_by: 'service', policy: 'local' },
              tags,
            },
    },
  }
}

/** The public interface that a Kong object belongs to; undefined for what is not ours. */
export function faceIdOf(entity: { tags?: unknown }): string | undefined {
  if (!Array.isArray(entity.tags) || !entity.tags.includes(ownTag)) return undefined
  for (const tag of entity.tags) {
    const id = typeof tag === 'string' ? interfaceTag.exec(tag)?.[1] : undefined
    if (id !== undefined) return id
  }
  return undefined
}

/** True where the object in Kong has every value of the plan; Kong's own defaults beside them do not count. */
export function fits(entity: object | undefined, body: Entity, serviceId?: unknown): boolean {
  const actual = entity as Entity | undefined
  return (
    actual !== undefined &&
    Object.entries(body).every(([key, wanted]) => {
      const value = actual[key]
      if (key === 'service') return (value as Entity | null | undefined)?.id === serviceId
      if (key === 'config')
        return Object.entries(wanted as Entity).every(
          ([name, v]) => (value as Entity | undefined)?.[name] === v,
        )
      if (key === 'tags') return isDeepStrictEqual(new Set(value as string[]), new Set(wanted as string[]))
      return isDeepStrictEqual(value ?? null, wanted)
    })
  )
}
