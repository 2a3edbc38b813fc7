import { AppError, toAppError } from '@opsconductor/errors'
import { SecretValue } from '@opsconductor/redact'
import { borrowCredential } from '../credentials/borrow-credential.ts'
import type { Deps } from '../deps.ts'
import { type OpenServerDeps, withServer } from '../servers/open-server.ts'
import { type Material, readMaterial } from './read-material.ts'
import { runTransaction, type TransactionDeps } from './run-transaction.ts'
import type { DeploymentState, WishedDeployment } from './store.ts'
import { forgetFailure, tellFailure } from './tell-outcome.ts'

export type DeployDeps = OpenServerDeps &
  TransactionDeps &
  Pick<Deps, 'leases' | 'turns' | 'deploying' | 'notifications' | 'events' | 'now'>

export interface DeployWork {
  operationId: string
  deploymentId: string
  actor: string
  signal: AbortSignal
  onState(state: DeploymentState): void
  /** How long NGINX may take to serve what it was told to. */
  patienceMs?: number
}

const patienceMsByDefault = 15_000

/**
 * Puts the wished version of a certificate on its server, as a transaction: files, test, swap, reload, and a look from outside
 * at every virtual host; where any of it fails, all is as it was before, and the error says so. To be run again at any point:
 * it goes on from what it finds, and changes nothing that is as it should be. Throws AppError.
 */
export async function deployCertificate(deps: DeployDeps, work: DeployWork): Promise<{ version: number }> {
  const { deploymentId, signal } = work
  const serverId = await deps.deploying.findServerOf(deploymentId)
  if (serverId === undefined) throw unknown()
  const deployHeld = async (held: AbortSignal) => {
    try {
      return await deploy(deps, work, held)
    } catch (error) {
      // Whoever has the server now writes what becomes of it.
      if (!held.aborted || signal.aborted) await recordFailure(deps, work, error)
      throw error
    }
  }
  // An operation may take the place of one that is still at it.
  return deps.turns.take(`deployment:${deploymentId}`, signal, () =>
    deps.leases.withSharedLease(`server:${serverId}`, signal, deployHeld),
  )
}

const unknown = () => new AppError('not_found', 'There is no such deployment.')

async function deploy(deps: DeployDeps, work: DeployWork, held: AbortSignal): Promise<{ version: number }> {
  const { deploymentId, operationId, actor } = work
  const wished = await deps.deploying.findWished(deploymentId)
  if (wished === undefined) throw unknown()
  const enter = async (state: DeploymentState): Promise<void> => {
    await deps.deploying.setState(deploymentId, state)
    work.onState(state)
  }
  const material = await borrowMaterial(deps, wished, operationId, held)
  const { projectId, serverId } = wished
  await withServer(deps, { projectId, serverId, operationId, actor, signal: held }, (session) =>
    runTransaction(deps, session, {
      ...{ wished, material, enter },
      ...{ cancelled: work.signal, held },
      patienceMs: work.patienceMs ?? patienceMsByDefault,
    }),
  )
  await forgetFailure(deps, wished)
  work.onState('live')
  return { version: wished.desiredVersion }
}

async function borrowMaterial(
  deps: DeployDeps,
  { projectId, credentialId, version, vhosts, desiredVersion }: WishedDeployment,
  operationId: string,
  signal: AbortSignal,
): Promise<Material> {
  if (version === undefined || credentialId === null)
    throw new AppError('conflict', `The certificate has no version ${desiredVersion}.`)
  if (vhosts.length === 0)
    throw new AppError(
      'conflict',
      'No virtual host of the server names the certificate, so nobody could see whether it is served.',
    )
  const { secret } = await borrowCredential(
    deps,
    { projectId, operationId, reference: credentialId, taken: ['x509'] },
    signal,
  )
  const names = vhosts.flatMap((vhost) => vhost.names)
  return readMaterial(version, new SecretValue(secret.private_key ?? ''), { names, now: deps.now() })
}

async function recordFailure(deps: DeployDeps, work: DeployWork, error: unknown): Promise<void> {
  const { deploymentId: id, operationId, signal } = work
  const { code, message, internal } = signal.aborted ? stopped(error) : toAppError(error)
  if (code === 'internal_error') deps.events.broke(error, { deployment_id: id })
  const liveVersion = typeof internal?.liveVersion === 'number' ? internal.liveVersion : undefined
  await deps.deploying.setFailed(
    { id, operationId },
    { code, message, at: deps.now().toISOString() },
    liveVersion,
  )
  const wished = signal.aborted ? undefined : await deps.deploying.findWished(id)
  if (wished !== undefined) await tellFailure(deps, wished, code, liveVersion !== undefined)
  work.onState('failed')
}

const stopped = (error: unknown): AppError =>
  error instanceof AppError
    ? error
    : new AppError('run_cancelled', 'The deployment was stopped before anything was changed.')
