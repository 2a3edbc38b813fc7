import { projectCalls } from '@opsconductor/temporal/nexus'
import {
  ApplicationFailure,
  condition,
  createNexusServiceClient,
  defineQuery,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setHandler,
  sleep,
} from '@temporalio/workflow'

export const add = defineUpdate<number, [{ by: number }]>('add')
const addSlowly = defineUpdate<number, [{ by: number }]>('add_slowly')
const note = defineSignal<[{ text: string }]>('note')
const total = defineQuery<{ total: number; notes: string[] }>('total')
const broken = defineQuery<never>('broken')

/** A long-lived workflow of a user's own. */
export async function ledger(): Promise<void> {
  const state = { total: 0, notes: [] as string[] }
  const count = ({ by }: { by: number }) => {
    state.total += by
    return state.total
  }
  setHandler(add, count, {
    validator({ by }) {
      if (by < 0) throw ApplicationFailure.nonRetryable('Only what is more than nothing.', 'negative')
    },
  })
  setHandler(addSlowly, async (given) => {
    await sleep(5_000)
    return count(given)
  })
  setHandler(note, ({ text }) => void state.notes.push(text))
  setHandler(total, () => state)
  setHandler(broken, () => {
    throw new Error('the books are closed')
  })
  await condition(() => false)
}

/** Somebody's workflow that calls another project past the platform. */
export async function callPast({ endpoint, operation, grant, input }: CallPast): Promise<unknown> {
  const client = createNexusServiceClient({ endpoint, service: projectCalls })
  try {
    return await client.executeOperation(operation, { grant, input }, { scheduleToCloseTimeout: '8s' })
  } catch (error) {
    const failure = ((error as Error).cause as Error | undefined)?.cause
    const { type, message } =
      failure instanceof ApplicationFailure ? failure : { type: 'none', message: String(error) }
    return { refused: type, message }
  }
}

/** The same, of an activity of ours. */
export async function callActivity(name: string, args: unknown[]): Promise<unknown> {
  const activities = proxyActivities({
    taskQueue: 'opsconductor-jobs',
    startToCloseTimeout: '10s',
    retry: { maximumAttempts: 1 },
  })
  try {
    return await activities[name]?.(...args)
  } catch (error) {
    return ((error as Error).cause as ApplicationFailure).type
  }
}

export interface CallPast {
  endpoint: string
  operation: keyof typeof projectCalls.operations
  grant: string
  input: unknown
}

/** What `project.start` begins. */
export async function report({ day }: { day: string }): Promise<{ report: string }> {
  if (day === 'never') await sleep('1 hour')
  // A code that the platform has too.
  if (day === 'lost') throw ApplicationFailure.nonRetryable('There was no such day.', 'target_failed')
  return { report: `all of ${day}` }
}
