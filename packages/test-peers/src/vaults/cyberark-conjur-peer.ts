import { randomBytes } from 'node:crypto'
import { type PeerAnswer, type PeerRequest, startJsonServer } from '../json-server.ts'

export type CyberarkConjurPeer = Awaited<ReturnType<typeof startCyberarkConjurPeer>>

const tokenMs = 8 * 60_000

/**
 * Conjur's REST API (docs.conjur.org, Content/Developer): "Authenticate" with a token of eight minutes, "Retrieve a
 * secret" with the last twenty versions, "Batch secret retrieval", with the statuses that those pages list.
 */
export async function startCyberarkConjurPeer() {
  const variables = new Map<string, string[]>()
  const tokens = new Map<string, number>()
  let aheadMs = 0
  let next: PeerAnswer[] = []
  const now = () => Date.now() + aheadMs
  const account = 'myorg'
  const login = 'host/opsconductor/broker'
  const apiKey = '14m9cf91wfsesv1kkhevg12cdywm2wvqy6s8sk53z1ngtazp1t9tykc'
  const empty = (id: string): PeerAnswer => ({
    status: 404,
    body: { error: { code: 'not_found', message: `CONJ00076E Variable ${id} is empty or not found.` } },
  })

  function authenticate({ path, headers, body }: PeerRequest): PeerAnswer {
    if (path !== `/authn/${account}/${encodeURIComponent(login)}/authenticate` || body !== apiKey)
      return { status: 401 }
    const token = JSON.stringify({
      protected: Buffer.from('{"alg":"conjur.org/slosilo/v2"}').toString('base64'),
      payload: Buffer.from(JSON.stringify({ sub: login, iat: Math.floor(now() / 1000) })).toString('base64'),
      signature: randomBytes(32).toString('base64'),
    })
    const encoded = Buffer.from(token).toString('base64')
    tokens.set(encoded, now() + tokenMs)
    const isBase64 = headers['accept-encoding'] === 'base64'
    return isBase64
      ? {
          status: 200,
          headers: { 'content-type': 'text/plain', 'content-encoding': 'base64' },
          body: encoded,
        }
      : { status: 200, headers: { 'content-type': 'application/json' }, body: token }
  }

  function answer(request: PeerRequest): PeerAnswer {
    if (request.path.startsWith('/authn/')) return authenticate(request)
    const [, token = ''] = /^Token token="([^"]+)"$/.exec(request.headers.authorization ?? '') ?? []
    if ((tokens.get(token) ?? 0) <= now()) return { status: 401 }
    const planned = next.shift()
    if (planned !== undefined) return planned
    if (request.path === '/secrets') return batch(request.query.get('variable_ids') ?? '')
    const [, id] = RegExp(`^/secrets/${account}/variable/([^/]+)$`).exec(request.path) ?? []
    if (id === undefined) return { status: 404 }
    const versions = variables.get(decodeURIComponent(id)) ?? []
    const asked = request.query.get('version')
    if (asked !== null && !/^\d+$/.test(asked))
      return { status: 422, body: { error: { code: 'invalid_parameter', message: 'version' } } }
    const value = asked === null ? versions.at(-1) : versions[Number(asked) - 1]
    if (value === undefined) return empty(`${account}:variable:${decodeURIComponent(id)}`)
    return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body: value }
  }

  function batch(list: string): PeerAnswer {
    const ids = list.split(',')
    const missing = ids.find((id) => !variables.has(id.replace(`${account}:variable:`, '')))
    if (missing !== undefined) return empty(missing)
    return {
      status: 200,
      body: Object.fromEntries(
        ids.map((id) => [id, variables.get(id.replace(`${account}:variable:`, ''))?.at(-1)]),
      ),
    }
  }

  const server = await startJsonServer({ answer })
  return {
    settings: { url: `http://127.0.0.1:${server.port}`, account, login },
    auth: { api_key: apiKey },
    requests: server.requests,
    put(id: string, value: string) {
      variables.set(id, [...(variables.get(id) ?? []), value])
    },
    /** Puts the peer's clock forward. */
    advance(seconds: number) {
      aheadMs += seconds * 1000
    },
    dropTokens: () => tokens.clear(),
    answerNext(...answers: PeerAnswer[]) {
      next = [...next, ...answers]
    },
    close: server.close,
  }
}
