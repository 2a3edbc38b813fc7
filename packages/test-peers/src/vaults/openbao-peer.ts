import { type PeerAnswer, type PeerRequest, startJsonServer } from '../json-server.ts'
import { createAuth, type Token } from './openbao-auth.ts'
import { answerKv1, answerKv2, fail, type Mount, ok } from './openbao-kv.ts'

export type OpenBaoPeer = Awaited<ReturnType<typeof startOpenBaoPeer>>

/**
 * OpenBao's API as recordings/openbao.json has it from a real one, kept in memory: KV 1 and 2, tokens, AppRole, policies,
 * seal. openbao-peer.test.ts plays the recordings against it.
 */
export async function startOpenBaoPeer() {
  let aheadMs = 0
  const auth = createAuth(() => Date.now() + aheadMs)
  const mounts = new Map<string, Mount>()
  const policies = new Map<string, RegExp[]>()
  let sealed = false
  let next: PeerAnswer[] = []

  function answer(request: PeerRequest): PeerAnswer {
    const planned = next.shift()
    if (planned !== undefined) return planned
    const path = decodeURIComponent(request.path).replace(/^\/v1\//, '')
    if (path === decodeURIComponent(request.path)) return fail(404)
    if (path === 'sys/health') return health(request)
    if (sealed) return fail(503, 'Vault is sealed')
    if ((request.headers['x-vault-namespace'] ?? 'team-a') !== 'team-a')
      return fail(404, 'route entry not found.')
    const body = request.body === '' ? {} : (JSON.parse(request.body) as Record<string, unknown>)
    const token = auth.find(request.headers['x-vault-token'] as string | undefined)
    if (path === 'auth/approle/login') return auth.answer(path, body, undefined) as PeerAnswer
    if (token === undefined) return fail(403, 'permission denied')
    return auth.answer(path, body, token) ?? system(path, body) ?? secret(path, request, body, token)
  }

  function health({ headers }: PeerRequest): PeerAnswer {
    if (headers['x-vault-namespace'] !== undefined) return fail(400, 'operation unavailable in namespaces')
    return {
      status: sealed ? 503 : 200,
      body: { initialized: true, sealed, standby: sealed, version: '2.6.2' },
    }
  }

  function system(path: string, body: Record<string, unknown>): PeerAnswer | undefined {
    const [, kind, name] = /^sys\/(mounts|policies\/acl|internal\/ui\/mounts)\/(.+)$/.exec(path) ?? []
    if (kind === undefined || name === undefined) return undefined
    if (kind === 'policies/acl') {
      const paths = [...String(body.policy).matchAll(/path "([^"]+)"/g)].map(([, text = '']) =>
        RegExp(`^${text.replace(/[.+?^$()|[\]{}]/g, '\\$&').replace('*', '.*')}$`),
      )
      policies.set(name, paths)
      return { status: 204 }
    }
    if (kind === 'mounts') {
      if (mounts.has(name)) return fail(400, `path is already in use at ${name}/`)
      const { options } = body as { options?: { version?: string } }
      mounts.set(name, { version: options?.version === '2' ? 2 : 1, entries: new Map() })
      return { status: 204 }
    }
    const found = mountOf(name)
    if (found === undefined)
      return fail(
        403,
        `preflight capability check returned 403, please ensure client's policies grant access to path "${name}/"`,
      )
    return ok({ type: 'kv', path: `${found.name}/`, options: { version: String(found.mount.version) } })
  }

  function mountOf(path: string) {
    for (const [name, mount] of mounts)
      if (path.startsWith(`${name}/`)) return { name, mount, rest: path.slice(name.length + 1) }
    return undefined
  }

  function secret(
    path: string,
    { method, query }: PeerRequest,
    body: Record<string, unknown>,
    token: Token,
  ): PeerAnswer {
    const rules = token.policies.flatMap((name) => policies.get(name) ?? [])
    if (!token.policies.includes('root') && !rules.some((rule) => rule.test(path)))
      return fail(403, '1 error occurred:\n\t* permission denied\n\n')
    const found = mountOf(path)
    if (found === undefined) return fail(404, `no handler for route "${path}". route entry not found.`)
    const asked = { method, path: found.rest, query, body }
    return found.mount.version === 1 ? answerKv1(found.mount, asked) : answerKv2(found.mount, asked)
  }

  const server = await startJsonServer({ answer })
  return {
    url: `http://127.0.0.1:${server.port}`,
    rootToken: auth.rootToken,
    requests: server.requests,
    /** Puts the peer's clock forward. */
    advance(seconds: number) {
      aheadMs += seconds * 1000
    },
    setSealed(value: boolean) {
      sealed = value
    },
    revokeAllButRoot: auth.revokeAllButRoot,
    /** The next requests are answered so, one each. */
    answerNext(...answers: PeerAnswer[]) {
      next = [...next, ...answers]
    },
    close: server.close,
  }
}
