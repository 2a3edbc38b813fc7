import type { GrantRequest, grantCallEndpoint } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { callTargetToWire } from './call-target-to-wire.ts'
import { refusalOf, waitingProjects } from './may-call.ts'
import { type CallPath, logCallAsked } from './store.ts'

type Request = z.infer<typeof GrantRequest>
type Answer = z.infer<typeof grantCallEndpoint.answer>

/**
 * Lets one step of one run call through a connector: a grant that says so, signed. Logged before it is answered,
 * refusals too. It holds no longer than the connector lets a call take.
 */
export async function grantCall(
  deps: Deps,
  actor: string,
  reference: string,
  request: Request,
): Promise<Answer> {
  const { pool, callPaths, events, grants } = deps
  const projectId = request.project_id.toLowerCase()
  const path = await callPaths.find(reference, projectId)
  const logged = { path, projectId, actor, runId: request.run_id, stepId: request.step_id }
  let chain: string[]
  try {
    chain = await judge(deps, path, { ...request, project_id: projectId })
  } catch (error) {
    if (!(error instanceof AppError) || error.code === 'service_unavailable') throw error
    await logCallAsked(pool, { ...logged, refusal: error })
    events.callRefused({ connectorId: path.id, projectId, code: error.code })
    throw error
  }
  await logCallAsked(pool, { ...logged, refusal: null })
  const { grant, expiresAt } = await grants.sign(
    {
      connector_id: path.id,
      interface_id: path.interfaceId,
      source_project_id: projectId,
      target_project_id: path.targetProjectId,
      operation: request.operation,
      run_id: request.run_id,
      step_id: request.step_id,
      item: request.item,
      input_sha256: request.input_sha256,
      chain,
    },
    Math.min(request.seconds, path.authConfig.call_seconds_max),
  )
  events.callGranted()
  // A call finds no worker by itself, and after some that found none the server holds others back.
  deps.announceUse(path.targetProjectId)
  return { grant, expires_at: expiresAt.toISOString(), target: callTargetToWire(path, projectId) }
}

async function judge({ callPaths }: Deps, path: CallPath, request: Request): Promise<string[]> {
  const refusal = await refusalOf(path, {
    projectId: request.project_id,
    operation: request.operation,
    hasCommonMember: () => callPaths.hasCommonMember(request.project_id, path.targetProjectId),
  })
  if (refusal !== undefined) throw refusal
  return waitingProjects(
    path,
    request.project_id,
    request.chain.map((id) => id.toLowerCase()),
  )
}
