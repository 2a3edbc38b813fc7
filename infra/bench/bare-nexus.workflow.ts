import {
  condition,
  createNexusServiceClient,
  defineUpdate,
  proxyLocalActivities,
  setHandler,
} from '@temporalio/workflow'
import type { BareActivities } from './bare-activities.ts'
import { bareCalls } from './bare-calls.ts'

const { askDatabase } = proxyLocalActivities<Pick<BareActivities, 'askDatabase'>>({
  startToCloseTimeout: '10s',
})

/** A long-lived workflow that both are to call. */
export async function counter(): Promise<void> {
  let total = 0
  setHandler(defineUpdate<{ total: number }, [{ by: number }]>('add'), ({ by }) => {
    total += by
    return { total }
  })
  await condition(() => false)
}

/** What a job with one step `project.call` does, written by hand: no grant, no schema, no breaker. */
export async function bareCall(endpoint: string, input: { by: number }): Promise<unknown> {
  await askDatabase()
  const client = createNexusServiceClient({ endpoint, service: bareCalls })
  const output = await client.executeOperation('call', input, { scheduleToCloseTimeout: '30s' })
  await askDatabase()
  return output
}
