import type { ChallengeResponse } from './solver.ts'
import type { SolverDeps, Solving } from './solver-deps.ts'

/** The gateway asks us for it: for names that point at this installation. */
export const solveByGateway = (
  { httpChallenges, now }: Pick<SolverDeps, 'httpChallenges' | 'now'>,
  { token, keyAuthorization }: ChallengeResponse,
): Solving => ({
  present: () => httpChallenges.put(token, keyAuthorization, now()),
  async visible() {},
  cleanUp: () => httpChallenges.remove(token, keyAuthorization),
})
