import { proxyActivities } from '@temporalio/workflow'
import type { BareActivities } from './bare-activities.ts'

const { fetchStatus, queryCatalogue } = proxyActivities<BareActivities>({ startToCloseTimeout: '10s' })

/** What the demo job does, written by hand: no templates, no credentials, no records. */
export async function bareReport(service: string): Promise<unknown> {
  const live = await fetchStatus(service)
  const owner = await queryCatalogue(service)
  return { service, live, owner }
}
