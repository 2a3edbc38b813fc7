import { type ServerSession, withServer } from '../servers/open-server.ts'
import { putChallengeScript, removeChallengeScript } from './challenge-scripts.ts'
import type { ChallengeResponse } from './solver.ts'
import type { SolverDeps, SolverOf, Solving } from './solver-deps.ts'

/** A file below the folder that the server serves for the name, put there over SSH. */
export function solveOnServer(
  deps: SolverDeps,
  of: Omit<SolverOf, 'signal'>,
  { serverId, webroot }: { serverId: string; webroot: string },
  { token, keyAuthorization }: ChallengeResponse,
): Solving {
  const onServer = (signal: AbortSignal, work: (session: ServerSession) => Promise<unknown>) =>
    withServer(deps, { ...of, serverId, signal }, async (session) => {
      await work(session)
    })
  return {
    present: (signal, remember) =>
      onServer(signal, async (session) => {
        await remember()
        const words = [webroot, token, `${keyAuthorization.length}`]
        await session.run(['sh', '-c', putChallengeScript, 'sh', ...words], { stdin: keyAuthorization })
      }),
    async visible() {},
    cleanUp: (signal) =>
      onServer(signal, (session) => session.run(['sh', '-c', removeChallengeScript, 'sh', webroot, token])),
  }
}
