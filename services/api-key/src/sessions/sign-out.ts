import type { Deps } from '../deps.ts'

/** Ends the session of the refresh token, if it is one. */
export async function signOut(
  deps: Pick<Deps, 'sessions' | 'events' | 'now'>,
  tokenHash: string | undefined,
): Promise<void> {
  if (tokenHash === undefined) return
  const userId = await deps.sessions.end(tokenHash, new Date(deps.now()))
  if (userId !== undefined) deps.events.sessionEnded(userId)
}
