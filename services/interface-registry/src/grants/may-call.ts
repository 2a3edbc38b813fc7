import { type CallOperation, callDepthMax } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { CallPath } from './store.ts'

/** What an interface is called by; beside it an update is started where the connector says so. */
const operationOfType = { update: 'call', signal: 'signal', query: 'query' } as const

export const operationOf = ({ interfaceType }: Pick<CallPath, 'interfaceType'>): CallOperation =>
  operationOfType[interfaceType]

export interface CallToJudge {
  /** The project that calls. */
  projectId: string
  operation: CallOperation
  /** Whether somebody who answers for that project belongs to the target project; asked only where it matters. */
  hasCommonMember(): Promise<boolean>
}

/** Why the call is refused; undefined where it may go. */
export async function refusalOf(path: CallPath, call: CallToJudge): Promise<AppError | undefined> {
  // To a project that it is not for, the connector does not exist.
  if (!(await isFor(path, call))) return new AppError('not_found', 'There is no such project connector.')
  if (!path.isActive) return new AppError('call_not_allowed', `The connector ${path.name} is switched off.`)
  if (!takes(path, call.operation))
    return new AppError(
      'call_not_allowed',
      call.operation === 'start' && path.interfaceType === 'update'
        ? `The connector ${path.name} does not allow to start the target's workflow (auth_config.allow_start).`
        : `The interface behind ${path.name} is of type ${path.interfaceType}, which ${call.operation} does not fit.`,
    )
  if (!path.isReady)
    return new AppError('connector_not_ready', `The Nexus endpoint of ${path.name} is not ready.`)
  return undefined
}

async function isFor(path: CallPath, { projectId, hasCommonMember }: CallToJudge): Promise<boolean> {
  if (projectId === path.sourceProjectId || path.visibility === 'public') return true
  if (path.visibility === 'private') return path.authConfig.allowed_project_ids.includes(projectId)
  return hasCommonMember()
}

/** A start goes by an update's schemas: its input begins the workflow, its output is the workflow's result. */
const takes = (path: CallPath, operation: CallOperation): boolean =>
  operation === 'start'
    ? path.interfaceType === 'update' && path.authConfig.allow_start
    : operation === operationOf(path)

/** The projects that wait once this call is made; refused where the target is among them, or they are too many. */
export function waitingProjects(path: CallPath, projectId: string, chain: readonly string[]): string[] {
  const waiting = chain.at(-1) === projectId ? [...chain] : [...chain, projectId]
  if (waiting.includes(path.targetProjectId))
    throw new AppError('call_loop', `The project that ${path.name} calls is waiting for this call.`)
  if (waiting.length > callDepthMax)
    throw new AppError(
      'call_loop',
      `More than ${callDepthMax} projects would wait for the call of ${path.name}.`,
    )
  return waiting
}
