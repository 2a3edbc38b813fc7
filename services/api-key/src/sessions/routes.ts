import { CreateSession, jwksEndpoint, Session } from '@opsconductor/contracts'
import {
  type AnyInternalRoute,
  type AnyRoute,
  internalRoute,
  openRoute,
  type Reply,
} from '@opsconductor/service-kit'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { accessTokenSeconds } from './access-token.ts'
import { refreshSession } from './refresh-session.ts'
import { clearedRefreshCookie, refreshCookie, refreshTokenHashOf } from './refresh-token.ts'
import { type SignedIn, signIn } from './sign-in.ts'
import { signOut } from './sign-out.ts'

function sessionReply(status: number, { accessToken, refreshToken, refreshSeconds }: SignedIn): Reply {
  const body: z.input<typeof Session> = {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: accessTokenSeconds,
  }
  return { status, body, headers: { 'Set-Cookie': refreshCookie(refreshToken, refreshSeconds) } }
}

export const signInRoute = (deps: Deps): AnyRoute =>
  openRoute({
    method: 'post',
    path: '/api/session',
    summary: 'Sign in: an access token for ten minutes, and a refresh cookie.',
    action: null,
    body: CreateSession,
    answers: { 200: Session },
    handle: async ({ body, clientAddress }) => sessionReply(200, await signIn(deps, body, clientAddress)),
  })

export const refreshSessionRoute = (deps: Deps): AnyRoute =>
  openRoute({
    method: 'post',
    path: '/api/session/refresh',
    summary: 'A new access token for the refresh cookie, which is replaced.',
    action: null,
    answers: { 200: Session },
    handle: async ({ header }) =>
      sessionReply(200, await refreshSession(deps, refreshTokenHashOf(header('cookie')))),
  })

export const signOutRoute = (deps: Deps): AnyRoute =>
  openRoute({
    method: 'delete',
    path: '/api/session',
    summary: 'Sign out: ends the session of the refresh cookie.',
    action: null,
    answers: { 204: null },
    async handle({ header }) {
      await signOut(deps, refreshTokenHashOf(header('cookie')))
      return { status: 204, headers: { 'Set-Cookie': clearedRefreshCookie } }
    },
  })

export const jwksRoute = ({ tokens }: Deps): AnyInternalRoute =>
  internalRoute(jwksEndpoint, async () => tokens.jwks)
