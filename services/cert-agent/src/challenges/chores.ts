import type { Chore } from '@opsconductor/service-kit'
import { type CleanUpDeps, cleanUpLeft } from './clean-up-left.ts'

const expiredEveryMs = 600_000
const leftEveryMs = 60_000

/** `stop` ends what is under way. */
export const challengeChores = (deps: CleanUpDeps, stop: AbortSignal): Chore[] => [
  {
    name: 'expired challenges',
    everyMs: expiredEveryMs,
    run: () => deps.httpChallenges.removeExpired(deps.now()),
  },
  { name: 'challenges left behind', everyMs: leftEveryMs, run: () => cleanUpLeft(deps, stop) },
]
