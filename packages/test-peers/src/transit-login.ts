import { randomUUID } from 'node:crypto'
import type { Body } from './transit-engine.ts'
import { type createTokenStore, durationSeconds, type Token, type TokenAnswer } from './transit-tokens.ts'

/** AppRole of OpenBao 2.6.2: roles, secret ids, login. */
export function createAppRoles(tokens: ReturnType<typeof createTokenStore>, nowSeconds: () => number) {
  const roles = new Map<string, { roleId: string; body: Body }>()
  const secretIds = new Map<string, { role: string; usesLeft: number; endsAtSeconds: number }>()

  const issueSecretId = (name: string, body: Body): TokenAnswer => {
    const secret_id = randomUUID()
    const uses = Number(body.secret_id_num_uses ?? 0)
    const ttl = durationSeconds(body.secret_id_ttl)
    secretIds.set(secret_id, {
      role: name,
      usesLeft: uses || Number.POSITIVE_INFINITY,
      endsAtSeconds: ttl === 0 ? Number.POSITIVE_INFINITY : nowSeconds() + ttl,
    })
    const data = { secret_id, secret_id_accessor: randomUUID(), secret_id_num_uses: uses, secret_id_ttl: ttl }
    return { status: 200, data }
  }
  return {
    logIn(body: Body): TokenAnswer {
      if (typeof body.role_id !== 'string') return { status: 500, errors: ['missing role_id'] }
      if (typeof body.secret_id !== 'string') return { status: 400, errors: ['missing secret_id'] }
      const secret = secretIds.get(body.secret_id)
      const role = roles.get(secret?.role ?? '')
      const good = secret !== undefined && secret.usesLeft > 0 && secret.endsAtSeconds > nowSeconds()
      if (!good || role?.roleId !== body.role_id)
        return { status: 400, errors: ['invalid role or secret ID'] }
      secret.usesLeft--
      const batch = role.body.token_type === 'batch'
      return tokens.issue({
        policies: [...((role.body.token_policies as string[] | undefined) ?? []), 'default'],
        ttlSeconds: durationSeconds(role.body.token_ttl),
        maxTtlSeconds: durationSeconds(role.body.token_max_ttl),
        renewable: !batch,
        type: batch ? 'batch' : 'service',
        displayName: 'approle',
      })
    },
    onRole(method: string, name: string, action: string | undefined, body: Body): TokenAnswer {
      if (method === 'POST' && action === undefined) {
        roles.set(name, { roleId: roles.get(name)?.roleId ?? randomUUID(), body })
        return { status: 204 }
      }
      const role = roles.get(name)
      if (role === undefined) return { status: 404, errors: [] }
      if (action === 'role-id') return { status: 200, data: { role_id: role.roleId } }
      return action === undefined ? { status: 200, data: role.body } : issueSecretId(name, role.body)
    },
  }
}

/** Policies in the part of their language that a client's rights need. */
export function createPolicies() {
  const policies = new Map<string, Array<{ path: string; capabilities: string[] }>>()
  return {
    write: (name: string, text: string) => void policies.set(name, parsePolicy(text)),
    may(token: Token, path: string, capability: string): boolean {
      if (token.policies.includes('root')) return true
      return token.policies
        .flatMap((name) => policies.get(name) ?? [])
        .some((rule) => matches(rule.path, path) && rule.capabilities.includes(capability))
    },
  }
}

/** `path "transit/encrypt/*" { capabilities = ["update"] }`, as many as there are. */
function parsePolicy(text: string): Array<{ path: string; capabilities: string[] }> {
  return [...text.matchAll(/path\s+"([^"]+)"\s*\{\s*capabilities\s*=\s*\[([^\]]*)\]\s*\}/g)].map((rule) => ({
    path: rule[1] as string,
    capabilities: [...(rule[2] as string).matchAll(/"(\w+)"/g)].map((word) => word[1] as string),
  }))
}

const matches = (pattern: string, path: string): boolean =>
  pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : pattern === path
