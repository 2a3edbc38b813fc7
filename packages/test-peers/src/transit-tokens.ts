import { randomBytes } from 'node:crypto'
import type { Body, TransitAnswer } from './transit-engine.ts'

export interface Token {
  id: string
  policies: string[]
  renewable: boolean
  type: string
  ttlSeconds: number
  createdAtSeconds: number
  /** Infinity for the root token. */
  endsAtSeconds: number
  maxEndsAtSeconds: number
  usesLeft: number
  displayName: string
}

export type TokenAnswer = TransitAnswer & { auth?: Record<string, unknown> }

const defaultTtlSeconds = 2_764_800

/** Tokens of OpenBao 2.6.2 as far as a client's login needs them. */
export function createTokenStore(nowSeconds: () => number) {
  const tokens = new Map<string, Token>()
  const add = (fields: Partial<Token> & { maxTtlSeconds?: number }): Token => {
    const now = nowSeconds()
    const { maxTtlSeconds, ...given } = fields
    const ttlSeconds = given.ttlSeconds || defaultTtlSeconds
    const maxEndsAtSeconds = now + (maxTtlSeconds || defaultTtlSeconds)
    const token: Token = {
      id: `s.${randomBytes(18).toString('base64url')}`,
      policies: [],
      renewable: true,
      type: 'service',
      usesLeft: Number.POSITIVE_INFINITY,
      displayName: 'token',
      createdAtSeconds: now,
      maxEndsAtSeconds,
      endsAtSeconds: Math.min(now + ttlSeconds, maxEndsAtSeconds),
      ...given,
      ttlSeconds,
    }
    tokens.set(token.id, token)
    return token
  }
  const root = add({ policies: ['root'], endsAtSeconds: Number.POSITIVE_INFINITY, displayName: 'root' })
  return {
    rootToken: root.id,
    /** A new token, as a login answers it. */
    issue(fields: Partial<Token> & { maxTtlSeconds?: number }): TokenAnswer {
      const token = add(fields)
      return { status: 200, auth: authOf(token, token.ttlSeconds) }
    },
    /** The live token of that text; each call is one of its uses. */
    use(id: string | undefined): Token | undefined {
      const token = tokens.get(id ?? '')
      if (token === undefined || token.endsAtSeconds <= nowSeconds() || token.usesLeft < 1) return undefined
      token.usesLeft--
      return token
    },
    renew: (token: Token, body: Body): TokenAnswer => renew(token, body, nowSeconds()),
    lookUp: (token: Token): TokenAnswer => ({ status: 200, data: describeToken(token, nowSeconds()) }),
    revoke(id: string): TokenAnswer {
      tokens.delete(id)
      return { status: 204 }
    },
  }
}

/** What `auth/token/create` is asked for. */
export function readTokenSettings(body: Body): Partial<Token> & { maxTtlSeconds?: number } {
  return {
    policies: [...((body.policies as string[] | undefined) ?? ['root']), 'default'],
    ttlSeconds: durationSeconds(body.ttl),
    maxTtlSeconds: durationSeconds(body.explicit_max_ttl),
    renewable: body.renewable !== false && body.type !== 'batch',
    type: String(body.type ?? 'service'),
    usesLeft: Number(body.num_uses) || Number.POSITIVE_INFINITY,
  }
}

function renew(token: Token, body: Body, now: number): TokenAnswer {
  if (token.type === 'batch') return { status: 400, errors: ['batch tokens cannot be renewed'] }
  if (token.endsAtSeconds === Number.POSITIVE_INFINITY) return { status: 400, errors: ['invalid lease ID'] }
  if (!token.renewable) return { status: 400, errors: ['lease is not renewable'] }
  const wanted = Math.max(durationSeconds(body.increment), token.ttlSeconds)
  token.endsAtSeconds = Math.min(now + wanted, token.maxEndsAtSeconds)
  return { status: 200, auth: authOf(token, token.endsAtSeconds - now) }
}

/** 0 where they are not counted, -1 where the last is spent. */
const usesOf = ({ usesLeft }: Token): number => (Number.isFinite(usesLeft) ? usesLeft || -1 : 0)

function authOf(token: Token, leaseSeconds: number): Record<string, unknown> {
  return {
    client_token: token.id,
    accessor: randomBytes(12).toString('hex'),
    policies: token.policies,
    token_policies: token.policies,
    metadata: null,
    lease_duration: leaseSeconds,
    renewable: token.renewable,
    entity_id: '',
    token_type: token.type,
    orphan: true,
    mfa_requirement: null,
    num_uses: usesOf(token),
  }
}

function describeToken(token: Token, now: number): Record<string, unknown> {
  const endless = token.endsAtSeconds === Number.POSITIVE_INFINITY
  return {
    accessor: randomBytes(12).toString('hex'),
    creation_time: token.createdAtSeconds,
    creation_ttl: endless ? 0 : token.ttlSeconds,
    display_name: token.displayName,
    entity_id: '',
    expire_time: endless ? null : new Date(token.endsAtSeconds * 1000).toISOString(),
    explicit_max_ttl: 0,
    id: token.id,
    num_uses: usesOf(token),
    orphan: true,
    policies: token.policies,
    ...(endless ? {} : { renewable: token.renewable }),
    ttl: endless ? 0 : Math.floor(token.endsAtSeconds - now),
    type: token.type,
  }
}

const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** `600`, `"600"`, `"10m"`; 0 for nothing. */
export function durationSeconds(value: unknown): number {
  const parsed = /^(\d+)([smhd]?)$/.exec(String(value ?? ''))
  return parsed === null ? 0 : Number(parsed[1]) * (units[parsed[2] as string] ?? 1)
}
