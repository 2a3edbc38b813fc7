import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import type { ServerSession } from '../servers/open-server.ts'
import { certificatePaths } from './certificate-paths.ts'
import { type Step, stepError } from './deployment-step.ts'
import { lookAtServer, type PlannedFile, type Situation } from './look-at-server.ts'
import { complaintOf, reloadCommand, testCommand } from './nginx-commands.ts'
import { planConfigs, planFiles } from './plan-files.ts'
import { type ProbeDeps, probeVhosts } from './probe-vhosts.ts'
import type { Material } from './read-material.ts'
import { refusedByNginx, setAsideScript, settleScript, swapScript } from './remote-scripts.ts'
import { rollBack } from './roll-back.ts'
import { alone, type ServerTurns, turnsAt } from './server-turns.ts'
import type { DeployedVersion, DeploymentState, WishedDeployment } from './store.ts'

export type TransactionDeps = ProbeDeps & Pick<Deps, 'deploying' | 'turns'>

export interface TransactionOf {
  wished: WishedDeployment
  material: Material
  /** Written before the step that it names is taken. */
  enter(state: DeploymentState): Promise<void>
  /** Somebody stopped the deployment: what was done is taken back. */
  cancelled: AbortSignal
  /** Also fires where the server is another operation's now: nothing more is done there. */
  held: AbortSignal
  patienceMs: number
}

interface Transaction extends TransactionOf {
  deps: TransactionDeps
  session: ServerSession
  folder: string
  versionFolder: string
  files: readonly PlannedFile[]
  situation: Situation
  turns: ServerTurns
}

/** Resolves where every virtual host is seen to serve the wished version. Throws what `stepError` makes. */
export async function runTransaction(
  deps: TransactionDeps,
  session: ServerSession,
  of: TransactionOf,
): Promise<void> {
  const { wished, material } = of
  const paths = certificatePaths(session.server.nginx, wished.certificateId)
  const configs = planConfigs(wished.vhosts, session.server, paths)
  const files = planFiles(material, session.server)
  const { certificateId, desiredVersion: version } = wished
  const situation = await lookAtServer(session, { certificateId, version, files, configs })
  const transaction: Transaction = {
    ...{ ...of, deps, session, files, situation },
    folder: paths.folder,
    versionFolder: paths.versionFolder(version),
    turns: alone,
  }
  if (isLeftOver(transaction)) {
    await settle(transaction)
    situation.undo = undefined
  }
  if (await isServedAlready(transaction)) return
  const turns = turnsAt(deps.turns, wished.serverId)
  // Who has failed has the server to itself: what NGINX cannot load would fail its neighbours again and again.
  if (wished.attempts > 0) await turns.take(of.held, () => takeSteps(transaction))
  else await takeSteps({ ...transaction, turns })
  await deps.deploying.setLive(wished)
  // What cannot be tidied now is tidied by the next deployment.
  await settle(transaction).catch(() => {})
}

async function takeSteps(of: Transaction): Promise<void> {
  const { situation, held, turns } = of
  const previous = await findPrevious(of)
  const at: Pick<Failed, 'step' | 'isTouched'> = {
    step: 'staging',
    isTouched: situation.undo !== undefined,
  }
  const enter = async (step: Step): Promise<void> => {
    at.step = step
    held.throwIfAborted()
    await of.enter(step)
  }
  try {
    await enter('staging')
    await stage(of)
    if (isExpectedToWork(situation)) {
      await enter('testing')
      await turns.take(held, () => testAsItIs(of))
    }
    await enter('swapping')
    const { reloaded } = await turns.take(held, async () => {
      at.isTouched = true
      await swap(of)
      await enter('reloading')
      // Asked for before the turn is over: it is one for all who have had theirs until then.
      return { reloaded: turns.reload(held, () => reload(of)) }
    })
    await reloaded
    await enter('probing')
    await probeAll(of, of.patienceMs)
  } catch (error) {
    throw await failed(of, { ...at, error, previous })
  }
}

/** Of a deployment that was proven, and could not tidy up any more. */
const isLeftOver = ({ situation: { undo, linked }, wished: { liveVersion } }: Transaction): boolean =>
  undo !== undefined && undo.to === linked && linked === liveVersion && undo.from !== undo.to

/**
 * All is in place, and NGINX serves it: a deployment that is repeated costs one look. Not where one ended half-way: the serial does
 * not tell whether NGINX has loaded the configuration that came with it.
 */
async function isServedAlready(of: Transaction): Promise<boolean> {
  const { situation, files, wished } = of
  const isInPlace =
    situation.undo === undefined &&
    situation.linked === wished.desiredVersion &&
    files.every(({ name }) => situation.staged.has(name)) &&
    changedConfigs(situation).length === 0
  if (!isInPlace) return false
  await of.enter('probing')
  try {
    await probeAll(of, 0)
  } catch {
    of.held.throwIfAborted()
    return false
  }
  await of.deps.deploying.setLive(wished)
  return true
}

/** Writes what is not there yet. Configuration files are kept beside the version, and go to their place with it. */
async function stage(of: Transaction): Promise<void> {
  const { session, files, situation, folder, versionFolder, wished } = of
  const { owner, group } = session.server.nginx
  const missing = files.filter(({ name }) => !situation.staged.has(name))
  if (isGivenAnew(of)) {
    await session.run(['sh', '-c', setAsideScript, 'sh', folder, String(wished.desiredVersion)])
    situation.linked = 0
  }
  const configs = changedConfigs(situation).map(({ config }) => config)
  await session.upload(
    [...missing, ...configs].map(({ name, content, mode }) => ({
      ...{ path: `${versionFolder}/${name}`, content: content.reveal(), mode, owner, group },
    })),
    [folder, `${folder}/versions`, versionFolder],
  )
}

/** What is live has the number that is wished, and is another: our database was restored, and counted anew. */
const isGivenAnew = ({ situation: { undo, linked, staged }, wished }: Transaction): boolean =>
  undo === undefined && linked === wished.desiredVersion && !staged.has('fullchain.pem')

const changedConfigs = ({ configs }: Situation) => configs.filter(({ isSame }) => !isSame)

/** Not where virtual hosts may be waiting for their first certificate, or an earlier deployment ended half-way. */
const isExpectedToWork = ({ linked, undo }: Situation): boolean => linked !== undefined && undo === undefined

/** A configuration that somebody else broke is found before anything is changed. */
async function testAsItIs({ session }: Transaction): Promise<void> {
  const { exitCode, stderr } = await session.run(testCommand(session.server.nginx), { mayFail: true })
  if (exitCode !== 0)
    throw new AppError(
      'target_refused',
      `NGINX refuses its configuration as it is on the server: ${complaintOf(stderr)}.`,
    )
}

async function findPrevious(of: Transaction): Promise<DeployedVersion | undefined> {
  const { deps, situation, wished } = of
  if (isGivenAnew(of)) return undefined
  const version = situation.undo === undefined ? situation.linked : situation.undo.from
  return version === undefined ? undefined : deps.deploying.findVersion(wished.certificateId, version)
}

async function swap({ session, situation, folder, wished }: Transaction): Promise<void> {
  const changed = changedConfigs(situation)
  const seen = situation.linked === undefined ? '' : `versions/${situation.linked}`
  const { exitCode, stderr } = await session.run(
    [
      ...['sh', '-c', swapScript, 'sh', folder, String(wished.desiredVersion), seen, String(changed.length)],
      ...changed.flatMap(({ config, realPath }) => [config.name, realPath]),
      ...testCommand(session.server.nginx),
    ],
    { mayFail: true },
  )
  if (exitCode === 0) return
  throw new AppError(
    'target_refused',
    exitCode === refusedByNginx
      ? `NGINX refuses the new configuration: ${complaintOf(stderr)}.`
      : `The server could not do it: ${complaintOf(stderr)}.`,
  )
}

async function reload({ session }: Transaction): Promise<void> {
  const { exitCode, stderr } = await session.run(reloadCommand(session.server.nginx), { mayFail: true })
  if (exitCode !== 0)
    throw new AppError('target_refused', `NGINX could not be reloaded: ${complaintOf(stderr)}.`)
}

function probeAll({ deps, session, wished, held }: Transaction, patienceMs: number) {
  const { projectId, vhosts, version } = wished
  const serial = version?.serial ?? ''
  return probeVhosts(deps, session, {
    ...{ projectId, vhosts, serial, patienceMs },
    signal: held,
  })
}

async function settle({ session, folder }: Transaction): Promise<void> {
  await session.run(['sh', '-c', settleScript, 'sh', folder, String(session.server.keepVersions)])
}

interface Failed {
  step: Step
  error: unknown
  /** This deployment, or one that ended half-way, has changed what NGINX reads. */
  isTouched: boolean
  previous: DeployedVersion | undefined
}

/** The error that says what became of the deployment, once that is so. */
async function failed(of: Transaction, { step, error, isTouched, previous }: Failed): Promise<unknown> {
  const { deps, session, situation, wished, folder, patienceMs, cancelled, held } = of
  if (held.aborted && !cancelled.aborted) return held.reason
  const cause = cancelled.aborted ? new AppError('run_cancelled', 'It was stopped.') : error
  if (!isTouched) return stepError(step, cause, 'What is served was not touched.')
  const lost = whenLost(held, cancelled)
  // The way back does not wait for our own database.
  await of.enter('rolling_back').catch(() => {})
  const { outcome, liveVersion } = await rollBack(deps, session, {
    ...{ wished, folder, previous, patienceMs, turns: of.turns },
    isRead: step === 'probing' || situation.undo !== undefined,
    signal: lost,
  })
  return lost.aborted ? lost.reason : stepError(step, cause, outcome, liveVersion)
}

/** Fires where the server is another operation's; not where the deployment is stopped, which must not stop the way back. */
function whenLost(held: AbortSignal, cancelled: AbortSignal): AbortSignal {
  const lost = new AbortController()
  held.addEventListener('abort', () => cancelled.aborted || lost.abort(held.reason), { once: true })
  return lost.signal
}
