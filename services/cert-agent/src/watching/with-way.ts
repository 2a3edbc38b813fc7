import { toAppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { endOperation } from '../operations/end-operation.ts'
import { nameCredentials } from '../operations/name-credentials.ts'
import { openWay, type Way, type WayDeps } from '../servers/open-way.ts'

export type ProbingDeps = WayDeps & Parameters<typeof endOperation>[0] & Parameters<typeof nameCredentials>[0]

/** The broker lends nothing to it. */
const noOperation = '00000000-0000-0000-0000-000000000000'

interface Of {
  projectId: string
  serverId: string
  via: readonly string[]
  actor: string
}

/**
 * Lends the way to a server's virtual hosts. Bastions are borrowed for an operation, which there is only then; straight
 * there nothing is borrowed.
 */
export async function withWay<T>(
  deps: ProbingDeps,
  { projectId, serverId, via, actor }: Of,
  signal: AbortSignal,
  work: (way: Way) => Promise<T>,
): Promise<T> {
  if (via.length === 0) return work(await openWay(deps, { projectId, operationId: noOperation, via, signal }))
  const operation = await deps.operations.insert({ projectId, kind: 'probe', actor, serverId }, 'running')
  const end = (outcome: Parameters<Deps['operations']['close']>[1]) =>
    endOperation(deps, operation.id, outcome)
  try {
    await nameCredentials(deps, operation, signal)
    const done = await work(await openWay(deps, { projectId, operationId: operation.id, via, signal }))
    await end({ state: 'succeeded', result: {} })
    return done
  } catch (error) {
    const { code, message } = toAppError(error)
    await end({ state: signal.aborted ? 'cancelled' : 'failed', error: { code, message } })
    throw error
  }
}
