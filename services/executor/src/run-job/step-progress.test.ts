import { expect, test } from '@jest/globals'
import { createRedactor } from '@opsconductor/redact'
import { createStepProgress } from './step-progress.ts'

test('every progress is in the heartbeat, the first of a second in the row, without what was lent', async () => {
  const beats: unknown[] = []
  const rows: unknown[] = []
  const progress = createStepProgress(
    createRedactor(['open-sesame']),
    (details) => beats.push(details),
    async (details) => {
      rows.push(details)
      throw new Error('the database is away')
    },
  )
  progress.say({ done: 1, of: 'open-sesame\0' })
  progress.say({ done: 2 })
  progress.say({ text: 'x'.repeat(5_000) })
  expect(beats).toEqual([{ done: 1, of: '[redacted]\ufffd' }, { done: 2 }])
  expect(rows).toEqual([{ done: 1, of: '[redacted]\ufffd' }])
})
