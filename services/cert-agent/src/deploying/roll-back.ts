import type { ServerSession } from '../servers/open-server.ts'
import { reloadCommand, testCommand } from './nginx-commands.ts'
import { type ProbeDeps, probeVhosts } from './probe-vhosts.ts'
import { settleScript, takeBackScript } from './remote-scripts.ts'
import type { ServerTurns } from './server-turns.ts'
import type { DeployedVersion, WishedDeployment } from './store.ts'

interface RollBackOf {
  wished: WishedDeployment
  folder: string
  /** What was live before; undefined where nothing was, or nothing that is known. */
  previous: DeployedVersion | undefined
  /** NGINX was told to read what is taken back, and must be told again. */
  isRead: boolean
  patienceMs: number
  turns: ServerTurns
  /** Not the deployment's own, which may have stopped it. */
  signal: AbortSignal
}

export interface RolledBack {
  /** For whoever reads why the deployment failed. */
  outcome: string
  /** What the probes have seen. */
  liveVersion?: number
}

const rollBackMsMax = 30_000

/**
 * Puts the previous version and configuration in place again, and has NGINX serve them. Never throws: where it cannot be done the
 * server keeps what the next attempt needs to do it.
 */
export async function rollBack(deps: ProbeDeps, session: ServerSession, of: RollBackOf): Promise<RolledBack> {
  const { wished, folder, previous, patienceMs } = of
  const limited = () => AbortSignal.any([of.signal, AbortSignal.timeout(rollBackMsMax)])
  const settle = () =>
    session.run(['sh', '-c', settleScript, 'sh', folder, String(session.server.keepVersions)], {
      signal: limited(),
    })
  try {
    await of.turns.take(of.signal, () => takeBack(session, of, limited()))
    if (previous === undefined) {
      await settle()
      return { outcome: 'It was taken back; no version that is known here was served before.' }
    }
    const { projectId, vhosts } = wished
    await probeVhosts(deps, session, {
      ...{ projectId, vhosts, patienceMs, signal: limited() },
      serial: previous.serial,
    })
    await settle()
    return {
      outcome: `It was rolled back: version ${previous.version} is served.`,
      liveVersion: previous.version,
    }
  } catch {
    return {
      outcome:
        previous === undefined
          ? 'It could not be taken back; the next attempt goes on from there.'
          : `Whether version ${previous.version} is served again could not be made sure of; the next attempt goes on from there.`,
    }
  }
}

async function takeBack(
  session: ServerSession,
  { folder, isRead }: RollBackOf,
  signal: AbortSignal,
): Promise<void> {
  const { nginx } = session.server
  await session.run(['sh', '-c', takeBackScript, 'sh', folder], { signal })
  const { exitCode } = await session.run(testCommand(nginx), { signal, mayFail: true })
  // What NGINX refuses without our doing it would not load; it goes on with what it has.
  if (exitCode === 0) await session.run(reloadCommand(nginx), { signal, mayFail: !isRead })
}
