import { randomUUID } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { WorkflowNotFoundError } from '@temporalio/client'
import type { OpenCall } from './store.ts'
import { sweepCalls } from './sweep-calls.ts'

const serving = 'run-serving'

/** What a sweep does, where workflows stand as told. */
async function sweep(
  call: Partial<OpenCall>,
  statuses: Record<string, string>,
  { serves = true } = {},
): Promise<string[]> {
  const done: string[] = []
  const open = {
    ...{ connectorId: randomUUID(), runId: 'caller', stepId: 'ask', item: '', operation: 'call' },
    ...{ sourceProjectId: randomUUID(), targetProjectId: randomUUID() },
    ...{ targetWorkflowId: null, isAwaited: true, seconds: 60, ...call },
  }
  const getHandle = (id: string) => ({
    async describe() {
      if (statuses[id] === undefined) throw new WorkflowNotFoundError('gone', id, undefined)
      return { status: { name: statuses[id] } }
    },
    cancel: async () => void done.push(`cancel ${id}`),
  })
  await sweepCalls({
    store: {
      open: async () => [open],
      serves: async () => serves,
      end: async (_: unknown, { outcome }: { outcome: string }) => done.push(`end ${outcome}`),
    },
    temporal: { clientFor: () => ({ workflow: { getHandle } }) },
    serve: async () => void done.push('serve'),
    events: { connectorCallBroke: (_: unknown, error: unknown) => done.push(String(error)) },
  } as never)
  return done
}

test('a call that just began has its target served at once, as after a restart, and is not ended', async () => {
  expect(await sweep({ seconds: 0.1 }, { caller: 'RUNNING' })).toEqual(['serve'])
  expect(await sweep({ seconds: 0.1, isAwaited: null }, {})).toEqual(['serve'])
})

test('an older one whose caller is gone is ended, and what serves it is cancelled', async () => {
  const call = { targetWorkflowId: serving }
  expect(await sweep(call, { caller: 'TERMINATED', [serving]: 'RUNNING' })).toEqual([
    `cancel ${serving}`,
    'end cancelled',
  ])
  expect(await sweep(call, { caller: 'TERMINATED', [serving]: 'COMPLETED' })).toEqual(['end succeeded'])
})

test('what a caller began and did not wait for goes on, where the caller ended while the sweep looked', async () => {
  const call = { targetWorkflowId: serving }
  const statuses = { caller: 'COMPLETED', [serving]: 'RUNNING' }
  expect(await sweep(call, statuses, { serves: false })).toEqual(['end cancelled'])
})

test("a user's own workflow is known by the name in its grant; one that is not known may wait still", async () => {
  const call = { targetWorkflowId: serving, isAwaited: null, runId: 'worker:order-7' }
  expect(await sweep(call, { 'order-7': 'TERMINATED', [serving]: 'RUNNING' })).toEqual([
    `cancel ${serving}`,
    'end cancelled',
  ])
  expect(await sweep(call, { [serving]: 'RUNNING' })).toEqual(['serve'])
})
