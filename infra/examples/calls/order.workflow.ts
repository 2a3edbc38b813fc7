import { projectCalls } from '@opsconductor/temporal/nexus'
import { createNexusServiceClient, proxyLocalActivities, workflowInfo } from '@temporalio/workflow'
import type { AskedGrant, Granted } from './ask-grant.ts'

const { askGrant } = proxyLocalActivities<{ askGrant(asked: AskedGrant): Promise<Granted> }>({
  startToCloseTimeout: '10 seconds',
})

/** Takes an article from another project's stock, and answers how many are left. */
export async function order(connector: string, input: { article: string; count: number }): Promise<unknown> {
  const { grant, target } = await askGrant({
    connector,
    operation: 'call',
    run_id: workflowInfo().workflowId,
    step_id: 'take',
    input,
  })
  // An endpoint that is not there would stop the workflow for good: only one that came with a grant may be named.
  const stock = createNexusServiceClient({ endpoint: target.nexus_endpoint_name, service: projectCalls })
  return await stock.executeOperation('call', { grant, input }, { scheduleToCloseTimeout: '30 seconds' })
}
