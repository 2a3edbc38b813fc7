import { isIP } from 'node:net'
import type { CreateSession } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { familySeconds, newRefreshToken } from './refresh-token.ts'
import type { Attempt } from './sign-in-throttle.ts'

export interface SignedIn {
  accessToken: string
  refreshToken: string
  refreshSeconds: number
}

/**
 * Starts a session. Unknown e-mail, wrong password and inactive user look the same from outside, in words and in work:
 * `invalid_login`.
 */
export async function signIn(
  deps: Pick<Deps, 'users' | 'passwords' | 'throttle' | 'sessions' | 'tokens' | 'events' | 'now'>,
  { email, password }: z.infer<typeof CreateSession>,
  address: string,
): Promise<SignedIn> {
  // The address comes in a header where a gateway stands in front, and is remembered and logged: nothing but an address.
  const clientAddress = isIP(address) === 0 ? 'unknown' : address
  const user = await checkPassword(deps, { email, password, clientAddress })
  const { token, tokenHash } = newRefreshToken()
  const now = deps.now()
  const expiresAt = new Date(now + familySeconds * 1000)
  const started =
    user !== undefined &&
    (await deps.sessions.create(
      { userId: user.id, passwordHash: user.passwordHash, tokenHash, expiresAt },
      new Date(now),
    ))
  if (!started) {
    deps.events.signIn('wrong', { email, clientAddress })
    throw new AppError('invalid_login', 'E-mail or password is wrong.')
  }
  deps.events.signIn('succeeded', { email, clientAddress, userId: user.id })
  return {
    accessToken: await deps.tokens.issue(user.id),
    refreshToken: token,
    refreshSeconds: familySeconds,
  }
}

async function checkPassword(
  { users, passwords, throttle, events }: Pick<Deps, 'users' | 'passwords' | 'throttle' | 'events'>,
  { email, password, clientAddress }: { email: string; password: string; clientAddress: string },
): Promise<{ id: string; passwordHash: string } | undefined> {
  const attempt = beginAttempt({ throttle, events }, { email, clientAddress })
  try {
    const user = await users.findForSignIn(email)
    const matched = await passwords.matches(user?.passwordHash, password)
    if (user === null || !matched || !user.isActive) return undefined
    attempt.succeeded()
    return user
  } catch (error) {
    attempt.withdrawn()
    events.signIn('undecided', { email, clientAddress })
    throw error
  }
}

function beginAttempt(
  { throttle, events }: Pick<Deps, 'throttle' | 'events'>,
  facts: { email: string; clientAddress: string },
): Attempt {
  try {
    return throttle.begin(facts.email, facts.clientAddress)
  } catch (error) {
    events.signIn('throttled', facts)
    throw error
  }
}
