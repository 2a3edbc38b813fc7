import { createHash, randomBytes } from 'node:crypto'

export const refreshCookieName = 'oc_refresh'
/** How long a sign-in lasts, however often it is refreshed. */
export const familySeconds = 14 * 24 * 3600

const tokenPattern = /^[A-Za-z0-9_-]{43}$/

/** 256 random bits; only the hash is kept. */
export function newRefreshToken(): { token: string; tokenHash: string } {
  const token = randomBytes(32).toString('base64url')
  return { token, tokenHash: hashRefreshToken(token) }
}

export const hashRefreshToken = (token: string): string => createHash('sha256').update(token).digest('hex')

/** The hash of the refresh token in a Cookie header; undefined where there is none that could be ours. */
export function refreshTokenHashOf(cookieHeader: string | undefined): string | undefined {
  for (const pair of cookieHeader?.split(';') ?? []) {
    const [name, value = ''] = pair.trim().split('=')
    if (name === refreshCookieName && tokenPattern.test(value)) return hashRefreshToken(value)
  }
  return undefined
}

/** Set-Cookie for the token; out of reach of scripts, other sites, plain HTTP and every other path. */
export function refreshCookie(token: string, maxAgeSeconds: number): string {
  return `${refreshCookieName}=${token}; Max-Age=${maxAgeSeconds}; Path=/api/session; HttpOnly; Secure; SameSite=Strict`
}

export const clearedRefreshCookie = refreshCookie('', 0)
