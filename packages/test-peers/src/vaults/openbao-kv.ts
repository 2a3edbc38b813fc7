import type { PeerAnswer } from '../json-server.ts'

interface Version {
  data: Record<string, unknown> | null
  created: string
  deleted: string
  destroyed: boolean
}

export interface Mount {
  version: 1 | 2
  entries: Map<string, Version[]>
}

export const fail = (status: number, ...errors: string[]): PeerAnswer => ({ status, body: { errors } })

export const ok = (data: unknown, more: Record<string, unknown> = {}): PeerAnswer => ({
  status: 200,
  body: {
    request_id: crypto.randomUUID(),
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data,
    wrap_info: null,
    warnings: null,
    auth: null,
    ...more,
  },
})

const timestamp = () => new Date().toISOString().replace('Z', '000000Z')

const metadataOf = (entry: Version, version: number) => ({
  created_time: entry.created,
  deletion_time: entry.deleted,
  destroyed: entry.destroyed,
  version,
})

export interface KvRequest {
  method: string
  path: string
  query: URLSearchParams
  body: Record<string, unknown>
}

/** KV version 1: a path holds what was written. A key `ttl` becomes the answer's lease. */
export function answerKv1({ entries }: Mount, { method, path, body }: KvRequest): PeerAnswer {
  if (method === 'DELETE') {
    entries.delete(path)
    return { status: 204 }
  }
  if (method === 'GET') {
    const data = entries.get(path)?.[0]?.data
    if (data === undefined || data === null) return fail(404)
    return ok(data, { lease_duration: secondsOf(data.ttl) ?? 2_764_800 })
  }
  if (Object.keys(body).length === 0) return fail(400, 'missing data fields')
  entries.set(path, [{ data: body, created: timestamp(), deleted: '', destroyed: false }])
  return { status: 204 }
}

function secondsOf(ttl: unknown): number | undefined {
  const match = /^(\d+)([smh])$/.exec(String(ttl))
  return match === null ? undefined : Number(match[1]) * { s: 1, m: 60, h: 3600 }[match[2] as 's']
}

/** KV version 2: data/, destroy/ and metadata/ of a path. */
export function answerKv2(mount: Mount, { method, path, query, body }: KvRequest): PeerAnswer {
  const [, kind, name] = /^(data|destroy|metadata)\/(.+)$/.exec(path) ?? []
  if (kind === undefined || name === undefined)
    return {
      ...ok(null, {
        warnings: [
          "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. If using the OpenBao CLI, use 'bao kv get' for this operation.",
        ],
      }),
      status: 404,
    }
  const versions = mount.entries.get(name) ?? []
  if (kind === 'metadata') {
    mount.entries.delete(name)
    return { status: 204 }
  }
  if (kind === 'destroy') {
    for (const number of body.versions as number[]) {
      const entry = versions[number - 1]
      if (entry !== undefined) Object.assign(entry, { data: null, destroyed: true })
    }
    return { status: 204 }
  }
  if (method === 'GET') return readVersion(versions, query.get('version') ?? '0')
  if (method === 'DELETE') {
    const latest = versions.at(-1)
    if (latest !== undefined) latest.deleted = timestamp()
    return { status: 204 }
  }
  return writeVersion(mount, name, method, body)
}

function readVersion(versions: Version[], asked: string): PeerAnswer {
  if (!/^-?\d+$/.test(asked))
    return fail(
      400,
      "Field validation failed: error converting input for field \"version\": '' cannot parse value as 'int': strconv.ParseInt: invalid syntax",
    )
  const number = Number(asked) > 0 ? Number(asked) : versions.length
  const entry = versions[number - 1]
  if (entry === undefined) return fail(404)
  const gone = entry.deleted !== '' || entry.destroyed
  const answer = ok({ data: gone ? null : entry.data, metadata: metadataOf(entry, number) })
  return gone ? { ...answer, status: 404 } : answer
}

function writeVersion(mount: Mount, name: string, method: string, body: Record<string, unknown>): PeerAnswer {
  const versions = mount.entries.get(name) ?? []
  const { data, options } = body as { data?: Record<string, unknown> | null; options?: { cas?: number } }
  if (data === undefined) return fail(400, 'no data provided')
  if (options?.cas !== undefined && options.cas !== versions.length)
    return fail(400, 'check-and-set parameter did not match the current version')
  const merged =
    method === 'PATCH'
      ? Object.fromEntries(
          Object.entries({ ...versions.at(-1)?.data, ...data }).filter(([, value]) => value !== null),
        )
      : data
  const entry = { data: merged, created: timestamp(), deleted: '', destroyed: false }
  versions.push(entry)
  mount.entries.set(name, versions)
  return ok(metadataOf(entry, versions.length))
}
