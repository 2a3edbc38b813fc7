import { projectCalls } from '@opsconductor/temporal/nexus'
import { createNexusServiceClient } from '@temporalio/workflow'
import type { OpenedCall, OperationEnd } from '../call-contract.ts'
import { endOf } from './call-project.ts'

/** A round trip through a connector, without effect. */
export async function pingConnector({
  endpoint,
  grant,
  seconds,
}: Pick<OpenedCall, 'endpoint' | 'grant' | 'seconds'>): Promise<OperationEnd> {
  const client = createNexusServiceClient({ endpoint, service: projectCalls })
  try {
    const output = await client.executeOperation(
      'ping',
      { grant, input: null },
      { scheduleToCloseTimeout: seconds * 1000 },
    )
    return { status: 'succeeded', output }
  } catch (error) {
    return endOf(error)
  }
}
