import type { PageQuery } from '@opsconductor/contracts'
import type { ExecutorDeps } from '../deps.ts'
import { unknownRun } from '../runs/get-run.ts'
import type { WebhookDelivery } from './store.ts'

export async function listDeliveries(
  { runs, webhooks }: Pick<ExecutorDeps, 'runs' | 'webhooks'>,
  projectId: string,
  runId: string,
  page: PageQuery,
): Promise<WebhookDelivery[]> {
  if ((await runs.find(projectId, runId)) === undefined) throw unknownRun()
  return await webhooks.listDeliveries(runId, page)
}
