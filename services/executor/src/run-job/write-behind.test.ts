import { expect, test } from '@jest/globals'
import type { RecordedStep } from './store.ts'
import { createWriteBehind } from './write-behind.ts'

const row = (runId: string, index: number, more: Partial<RecordedStep> = {}): RecordedStep => ({
  ...{ runId, stepId: `s${index}`, type: 'set', position: index, attempt: 1, item: '' },
  ...{ idempotencyKey: `${runId}:s${index}`, status: 'succeeded', output: null, error: null, exchanges: [] },
  ...{ seconds: 0, endedAtMs: 0 },
  ...more,
})

/** What was written, each write as the ids of its steps. */
function recorder(fault: (rows: readonly RecordedStep[]) => Error | undefined = () => undefined) {
  const writes: string[][] = []
  const notWritten: string[] = []
  const write = async (rows: readonly RecordedStep[]) => {
    const error = fault(rows)
    if (error !== undefined) throw error
    writes.push(rows.map(({ stepId }) => stepId))
  }
  const writeBehind = createWriteBehind({ write, onNotWritten: ({ stepId }) => notWritten.push(stepId) })
  return { writes, notWritten, write, writeBehind }
}

const unavailable = () => Object.assign(new Error('away'), { code: 'ECONNREFUSED' })

test("a run's rows are written with its end, and no other run's", async () => {
  const { writes, write, writeBehind } = recorder()
  for (const index of [0, 1, 2]) await writeBehind.add(row('a', index))
  await writeBehind.add(row('b', 7))
  await writeBehind.close('a', write)
  expect(writes).toEqual([['s0', 's1', 's2']])
  await writeBehind.end()
  expect(writes).toEqual([['s0', 's1', 's2'], ['s7']])
})

test('rows are written before the end of a run that goes on, and where many wait', async () => {
  const { writes, writeBehind } = recorder()
  for (let index = 0; index < 20; index++) await writeBehind.add(row('a', index))
  expect(writes.map(({ length }) => length)).toEqual([20])
  await writeBehind.add(row('a', 20))
  while (writes.length < 2) await new Promise(setImmediate)
  expect(writes[1]).toEqual(['s20'])
})

test('an attempt that is made again before its row is written has one row', async () => {
  const { writes, write, writeBehind } = recorder()
  await writeBehind.add(row('a', 0))
  await writeBehind.add(row('a', 0))
  await writeBehind.add(row('a', 0, { attempt: 2 }))
  await writeBehind.close('a', write)
  expect(writes).toEqual([['s0', 's0']])
})

test('while the database is away no row is lost, and the run does not end', async () => {
  let isAway = true
  const { writes, notWritten, write, writeBehind } = recorder(() => (isAway ? unavailable() : undefined))
  await writeBehind.add(row('a', 0))
  await expect(writeBehind.close('a', write)).rejects.toThrow('away')
  await writeBehind.add(row('a', 1))
  isAway = false
  await writeBehind.close('a', write)
  expect(writes).toEqual([['s0', 's1']])
  expect(notWritten).toEqual([])
})

test('rows that the database refuses are told, and the run ends all the same', async () => {
  const { writes, notWritten, write, writeBehind } = recorder((rows) =>
    rows.length > 0 ? new Error('refused') : undefined,
  )
  await writeBehind.add(row('a', 0))
  await writeBehind.close('a', write)
  expect(writes).toEqual([[]])
  expect(notWritten).toEqual(['s0'])
})

test('rows that are still waiting when the process ends are told', async () => {
  const { notWritten, writeBehind } = recorder(unavailable)
  await writeBehind.add(row('a', 0))
  await writeBehind.end()
  expect(notWritten).toEqual(['s0'])
})
