import { AppError } from '@opsconductor/errors'
import { deployCertificate } from '../deploying/deploy-certificate.ts'
import type { Deps } from '../deps.ts'
import type { AttemptOfDeployment } from '../operations/activity-contract.ts'
import { nameCredentials } from '../operations/name-credentials.ts'
import { reportDeployments, reportDeploymentsSoon } from './report-deployments.ts'

/** One attempt; none where another operation sees to the deployment now, or nothing that names it is left. */
export async function performDeployment(
  deps: Deps,
  { operationId, deploymentId }: { operationId: string; deploymentId: string },
  signal: AbortSignal,
): Promise<AttemptOfDeployment> {
  const operation = await deps.operations.findById(operationId)
  if (operation === undefined) throw new AppError('not_found', 'There is no such operation.')
  const deployment = await deps.deployments.find(deploymentId)
  if (deployment?.operationId !== operationId) return { state: 'superseded' }
  if ((await deps.deployments.forgetUnnamed(deployment)).length > 0) return { state: 'superseded' }
  await nameCredentials(deps, operation, signal)
  const { actor } = operation
  const { version } = await deployCertificate(deps, {
    ...{ operationId, deploymentId, actor, signal },
    onState: () => void reportDeploymentsSoon(deps, operationId).catch(() => {}),
  })
  await reportDeployments(deps, operationId)
  return { state: 'live', version }
}
