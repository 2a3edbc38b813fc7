import type { admitCallEndpoint } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { callTargetToWire } from './call-target-to-wire.ts'
import { refusalOf } from './may-call.ts'

type Request = z.infer<typeof admitCallEndpoint.request>
type Answer = z.infer<typeof admitCallEndpoint.answer>

/** Whether a call with a good grant may go on now: the connector may have been changed or taken back since. */
export async function admitCall({ callPaths }: Deps, id: string, request: Request): Promise<Answer> {
  const projectId = request.source_project_id.toLowerCase()
  try {
    const path = await callPaths.find(id, projectId)
    if (path.targetProjectId !== request.target_project_id.toLowerCase())
      return { admitted: false, reason: 'The connector leads to another project.' }
    const refusal = await refusalOf(path, {
      projectId,
      operation: request.operation,
      hasCommonMember: () => callPaths.hasCommonMember(projectId, path.targetProjectId),
    })
    // An endpoint that is being restored has brought this call, so it is there.
    return refusal === undefined || refusal.code === 'connector_not_ready'
      ? { admitted: true, target: callTargetToWire(path, projectId) }
      : { admitted: false, reason: refusal.message }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'not_found') throw error
    return { admitted: false, reason: error.message }
  }
}
