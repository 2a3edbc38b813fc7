import { type CallTarget, namespaceOf } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { schemaFault } from '@opsconductor/json-schema'
import { fromTarget, toNexusError } from './call-error.ts'
import type { ProjectCallDeps } from './project-call-deps.ts'
import { admitCall } from './serve-call.ts'

/** Everything that a call would need on this side, and no call. */
export async function ping(deps: ProjectCallDeps, projectId: string, given: unknown): Promise<null> {
  try {
    const { target } = await admitCall(deps, projectId, given, undefined)
    await assertTarget(deps, projectId, target)
    for (const schema of [target.input_schema, target.output_schema]) {
      const fault = schema === null ? undefined : schemaFault(schema)
      if (fault !== undefined) throw new AppError('validation_failed', `A schema of the interface ${fault}`)
    }
    return null
  } catch (error) {
    throw toNexusError(fromTarget(error))
  }
}

async function assertTarget(
  { jobs, temporal }: ProjectCallDeps,
  projectId: string,
  { workflow }: CallTarget,
): Promise<void> {
  if (workflow.kind === 'job') {
    const job = await jobs.find(projectId, workflow.job_id ?? '', workflow.job_version ?? undefined)
    if (job === undefined)
      throw new AppError('target_missing', 'The target has no such job, or no such version of it.')
  } else if (workflow.workflow_id !== null) {
    const handle = temporal.clientFor(namespaceOf(projectId)).workflow.getHandle(workflow.workflow_id)
    if ((await handle.describe()).status.name !== 'RUNNING')
      throw new AppError('target_missing', 'The target workflow is not running.')
  }
}
