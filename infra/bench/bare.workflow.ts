import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow'
import type { BareActivities } from './bare-activities.ts'

const { fetchStatus, queryCatalogue, requestHealth } = proxyActivities<BareActivities>({
  startToCloseTimeout: '10s',
})
const local = proxyLocalActivities<BareActivities>({ startToCloseTimeout: '10s' })
const { askDatabase } = local

/** What the demo job does, written by hand, with as many activities of each kind: no templates, credentials or records. */
export async function bareReport(service: string): Promise<unknown> {
  await askDatabase()
  const live = await fetchStatus(service)
  const owner = await queryCatalogue(service)
  await askDatabase()
  return { service, live, owner }
}

/** Requests one after the other, as a job of so many http.get steps. */
export async function bareRequests(count: number): Promise<unknown> {
  let last: unknown = null
  for (let i = 0; i < count; i++) last = await requestHealth()
  return last
}

/** The same in local activities. */
export async function bareLocalRequests(count: number): Promise<unknown> {
  let last: unknown = null
  for (let i = 0; i < count; i++) last = await local.requestHealth()
  return last
}
