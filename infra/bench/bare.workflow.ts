import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow'
import type { BareActivities } from './bare-activities.ts'

const { fetchStatus, queryCatalogue } = proxyActivities<BareActivities>({ startToCloseTimeout: '10s' })
const { askDatabase } = proxyLocalActivities<BareActivities>({ startToCloseTimeout: '10s' })

/** What the demo job does, written by hand, with as many activities of each kind: no templates, credentials or records. */
export async function bareReport(service: string): Promise<unknown> {
  await askDatabase()
  const live = await fetchStatus(service)
  const owner = await queryCatalogue(service)
  await askDatabase()
  return { service, live, owner }
}
