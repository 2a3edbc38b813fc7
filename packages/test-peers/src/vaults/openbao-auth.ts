import { randomBytes, randomUUID } from 'node:crypto'
import type { PeerAnswer } from '../json-server.ts'
import { fail, ok } from './openbao-kv.ts'

export interface Token {
  text: string
  policies: string[]
  /** Milliseconds of the peer's clock; Infinity for a root token. */
  expiresAt: number
  ttlSeconds: number
  periodSeconds: number
  lastAt: number
  renewable: boolean
}

interface Role {
  roleId: string
  policies: string[]
  ttlSeconds: number
  maxSeconds: number
  secretIds: Map<string, number>
  secretIdUses: number
}

const seconds = (text: unknown): number => {
  const match = /^(\d+)([smh]?)$/.exec(String(text ?? '0'))
  return match === null ? 0 : Number(match[1]) * { s: 1, m: 60, h: 3600, '': 1 }[match[2] as 's']
}

/** Tokens and AppRole as the recordings have them. */
export function createAuth(now: () => number) {
  const tokens = new Map<string, Token>()
  const roles = new Map<string, Role>()
  let appRole = false

  function issue(options: Partial<Token> & { ttlSeconds: number; maxSeconds?: number }): Token {
    const { ttlSeconds, maxSeconds = 0 } = options
    const token: Token = {
      text: `s.${randomBytes(18).toString('base64url')}`,
      policies: [],
      renewable: true,
      periodSeconds: 0,
      lastAt: maxSeconds > 0 ? now() + maxSeconds * 1000 : Number.POSITIVE_INFINITY,
      expiresAt: ttlSeconds > 0 ? now() + ttlSeconds * 1000 : Number.POSITIVE_INFINITY,
      ...options,
    }
    tokens.set(token.text, token)
    return token
  }

  const authOf = (token: Token) => ({
    client_token: token.text,
    policies: [...token.policies, 'default'],
    token_policies: [...token.policies, 'default'],
    lease_duration: Math.round((token.expiresAt - now()) / 1000),
    renewable: token.renewable,
    token_type: 'service',
  })

  function login({ role_id, secret_id }: Record<string, unknown>): PeerAnswer {
    if (role_id === undefined) return fail(500, 'missing role_id')
    if (secret_id === undefined) return fail(400, 'missing secret_id')
    const role = [...roles.values()].find(({ roleId }) => roleId === role_id)
    const left = role?.secretIds.get(String(secret_id))
    if (role === undefined || left === undefined) return fail(400, 'invalid role or secret ID')
    if (left === 1) role.secretIds.delete(String(secret_id))
    else role.secretIds.set(String(secret_id), left - 1)
    const { policies, ttlSeconds, maxSeconds } = role
    return ok(null, { auth: authOf(issue({ policies, ttlSeconds, maxSeconds })) })
  }

  function renewSelf(token: Token, { increment }: Record<string, unknown>): PeerAnswer {
    if (token.expiresAt === Number.POSITIVE_INFINITY) return fail(400, 'invalid lease ID')
    if (!token.renewable) return fail(400, 'lease is not renewable')
    const asked = token.periodSeconds > 0 ? 0 : seconds(increment)
    token.expiresAt = Math.min(now() + (asked || token.ttlSeconds) * 1000, token.lastAt)
    // A real one warns where it gave less than was asked.
    return ok(null, { auth: authOf(token), warnings: undefined })
  }

  function create(body: Record<string, unknown>): PeerAnswer {
    const token = issue({
      policies: (body.policies as string[] | undefined) ?? ['root'],
      ttlSeconds: seconds(body.period ?? body.ttl),
      maxSeconds: seconds(body.explicit_max_ttl),
      periodSeconds: seconds(body.period),
      renewable: body.renewable !== false,
    })
    return ok(null, { auth: authOf(token) })
  }

  function role(name: string, rest: string, body: Record<string, unknown>): PeerAnswer {
    const found = roles.get(name)
    if (rest === '') {
      roles.set(name, {
        roleId: found?.roleId ?? randomUUID(),
        policies: body.token_policies as string[],
        ttlSeconds: seconds(body.token_ttl),
        maxSeconds: seconds(body.token_max_ttl),
        secretIds: found?.secretIds ?? new Map(),
        secretIdUses: Number(body.secret_id_num_uses ?? 0),
      })
      return { status: 204 }
    }
    if (found === undefined) return fail(404)
    if (rest === '/role-id') return ok({ role_id: found.roleId })
    const secretId = randomUUID()
    found.secretIds.set(secretId, found.secretIdUses || Number.POSITIVE_INFINITY)
    return ok({
      secret_id: secretId,
      secret_id_accessor: randomUUID(),
      secret_id_num_uses: found.secretIdUses,
      secret_id_ttl: 600,
    })
  }

  return {
    rootToken: issue({ policies: ['root'], ttlSeconds: 0, renewable: false }).text,
    /** The token, where it is valid. */
    find(text: string | undefined): Token | undefined {
      const token = text === undefined ? undefined : tokens.get(text)
      return token !== undefined && token.expiresAt > now() ? token : undefined
    },
    revokeAllButRoot() {
      for (const [text, token] of tokens) if (!token.policies.includes('root')) tokens.delete(text)
    },
    /** Answers to auth/ and sys/auth/; undefined for other paths. `token` is undefined on the login, which needs none. */
    answer(path: string, body: Record<string, unknown>, token: Token | undefined): PeerAnswer | undefined {
      if (path === 'auth/approle/login') return appRole ? login(body) : fail(403, 'permission denied')
      if (token === undefined) return undefined
      if (path === 'auth/token/lookup-self')
        return ok({
          id: token.text,
          policies: token.policies,
          ...(token.expiresAt === Number.POSITIVE_INFINITY ? {} : { renewable: token.renewable }),
          ttl:
            token.expiresAt === Number.POSITIVE_INFINITY ? 0 : Math.round((token.expiresAt - now()) / 1000),
        })
      if (path === 'auth/token/renew-self') return renewSelf(token, body)
      if (path === 'auth/token/revoke-self') {
        tokens.delete(token.text)
        return { status: 204 }
      }
      if (path === 'auth/token/create') return create(body)
      if (path === 'sys/auth/approle') {
        if (appRole) return fail(400, 'path is already in use at approle/')
        appRole = true
        return { status: 204 }
      }
      const [, name, rest = ''] = /^auth\/approle\/role\/([^/]+)(\/role-id|\/secret-id)?$/.exec(path) ?? []
      return name === undefined ? undefined : role(name, rest, body)
    },
  }
}
