import { randomUUID } from 'node:crypto'
import { expect, test } from '@jest/globals'
import type { OperationEnd } from './call-contract.ts'
import { endCall } from './end-call.ts'

const failed = { status: 'failed', by: 'application', message: 'so', retryable: true } as const

/** How a call ends, and what the breaker hears of it. */
async function endOf(end: OperationEnd, { served = true } = {}) {
  const heard: string[] = []
  const written: { message?: string | undefined }[] = []
  const store = {
    async end(_: unknown, facts: { message?: string | undefined }) {
      written.push(facts)
      return 1
    },
    async pathFailed() {
      heard.push('failed')
      return 'closed'
    },
    pathWorks: async () => void heard.push('works'),
    wasServed: async () => served,
  }
  const call = {
    ...{ connectorId: randomUUID(), runId: randomUUID(), stepId: 'ask', item: '' },
    ...{ operation: 'call' as const, sourceProjectId: randomUUID() },
  }
  const events = { connectorCallEnded() {}, breakerChanged() {} }
  const { failure } = await endCall({ store, events } as never, call, end, null)
  return { failure, heard, written }
}

test.each<[string, OperationEnd, boolean, string]>([
  ['a handler that broke', { ...failed, code: 'target_failed' }, true, 'target_failed'],
  [
    'a workflow that failed with the same code',
    { ...failed, code: 'target_failed', hadBegun: true },
    false,
    'target_failed',
  ],
  [
    'a run that found no worker itself',
    { ...failed, code: 'call_no_worker', hadBegun: true },
    false,
    'call_no_worker',
  ],
  ['a refusal', { ...failed, code: 'call_rejected' }, false, 'call_rejected'],
  ['a code of the user', { ...failed, code: 'sold_out' }, false, 'call_failed'],
  ['a name of a prototype as code', { ...failed, code: 'constructor' }, false, 'call_failed'],
  ['no answer in time', { status: 'failed', by: 'timeout' }, true, 'step_timeout'],
  ['a cancellation by the target', { status: 'failed', by: 'cancellation' }, false, 'step_failed'],
])('%s counts for the breaker as it should', async (_, end, isOfPath, code) => {
  const { failure, heard } = await endOf(end)
  expect(failure?.code).toBe(code)
  expect([failure?.isOfPath ?? false, heard]).toEqual([isOfPath, [isOfPath ? 'failed' : 'works']])
})

test('words of the other project that PostgreSQL cannot store do not stop the call from ending', async () => {
  const { failure, written } = await endOf({ ...failed, code: 'no\0pe', message: 'a\0b\ud800' })
  expect(failure?.message).toBe('no\ufffdpe: a\ufffdb\ufffd')
  expect(written[0]?.message).toBe(failure?.message)
})
