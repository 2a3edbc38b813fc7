import { AppError, toAppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { endOperation } from '../operations/end-operation.ts'
import { nameCredentials } from '../operations/name-credentials.ts'
import type { OperationDeps } from '../operations/operation-deps.ts'
import type { PresentedChallenge } from './presented-store.ts'
import type { SolverDeps } from './solver-deps.ts'
import { solverFor } from './solver-for.ts'

export type CleanUpDeps = SolverDeps & OperationDeps & Pick<Deps, 'presentedChallenges'>

/** Of which each may take a minute. */
const rowsAtOnce = 20
/** With what `takeLeft` waits between them, most of a day. */
const attemptsMax = 10
const actor = 'schedule'

/**
 * Takes away the records and files of challenges that were left behind: the process died, or they could not be removed when
 * the operation ended. Each account and each server is one operation, because the broker lends to nothing else.
 */
export async function cleanUpLeft(deps: CleanUpDeps, stop: AbortSignal): Promise<void> {
  const left = await deps.presentedChallenges.takeLeft(deps.now(), rowsAtOnce)
  const groups = Map.groupBy(left, (one) => `${one.operationId} ${placeOf(one)}`)
  for (const group of groups.values()) {
    if (stop.aborted) return
    await cleanUpGroup(deps, group, stop)
    const last = group.filter(({ attempts }) => attempts >= attemptsMax)
    for (const one of last) await deps.presentedChallenges.remove(one)
  }
}

const placeOf = ({ challenge }: PresentedChallenge) =>
  challenge.type === 'dns-01' ? challenge.dns_account_id : challenge.server_id

async function cleanUpGroup(
  deps: CleanUpDeps,
  group: readonly PresentedChallenge[],
  signal: AbortSignal,
): Promise<void> {
  const [first] = group as [PresentedChallenge]
  const { projectId } = first
  const of = await lendableOf(deps, first)
  const operation = await deps.operations.insert(
    { projectId, kind: 'clean-up', actor, ...of, request: { operation_id: first.operationId } },
    'running',
  )
  try {
    await nameCredentials(deps, operation, signal)
    const solver = solverFor(deps, {
      ...{ projectId, operationId: operation.id, actor, signal },
      challenges: group.map((one) => ({ ...one.challenge, names: [one.name] })),
    })
    await Promise.all(
      group.map(({ name, token, keyAuthorization }) => solver.cleanUp(name, { token, keyAuthorization })),
    )
    const left = await deps.presentedChallenges.countOf(group.map(({ id }) => id))
    if (left > 0)
      throw new AppError('target_failed', `${left} of ${group.length} challenges could not be taken away.`)
    await endOperation(deps, operation.id, { state: 'succeeded', result: { cleaned_up: group.length } })
  } catch (error) {
    const { code, message } = toAppError(error)
    await endOperation(deps, operation.id, { state: 'failed', error: { code, message } })
  }
}

/** What the operation is about: its credential is named by it. */
async function lendableOf(
  { servers, dnsAccounts }: Pick<Deps, 'servers' | 'dnsAccounts'>,
  { projectId, challenge }: PresentedChallenge,
): Promise<{ serverId?: string; credentials?: string[] }> {
  if (challenge.type === 'dns-01') {
    const account = await dnsAccounts.find(projectId, challenge.dns_account_id)
    return account?.credentialId == null ? {} : { credentials: [account.credentialId] }
  }
  const server = await servers.find(projectId, challenge.server_id ?? '')
  return server === undefined ? {} : { serverId: server.id, credentials: [server.credentialId] }
}
