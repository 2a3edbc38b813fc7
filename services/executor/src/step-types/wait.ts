import { z } from 'zod'
import { defineDurableStepType } from './define-step-type.ts'
import { waitSecondsMax } from './wait.workflow.ts'

const WaitInput = z
  .object({
    seconds: z.number().min(0).max(waitSecondsMax).optional().describe('How long, at most 31 days.'),
    until: z.iso
      .datetime({ offset: true })
      .optional()
      .describe('Until when, at most 31 days from now; a time that has passed is not waited for.'),
  })
  .strict()
  .refine(
    ({ seconds, until }) => (seconds === undefined) !== (until === undefined),
    'give either seconds or until',
  )

export const wait = defineDurableStepType({
  type: 'wait',
  title: 'Wait',
  description: 'Waits for a time that outlives restarts. Cancelling the run ends it at once.',
  input: WaitInput,
  output: z.object({
    waited_seconds: z.number().int().describe('How long it was.'),
    until: z.string().describe('When it was over.'),
  }),
  timeoutSeconds: waitSecondsMax + 60,
  examples: [
    { title: 'Give the service time to start', input: { seconds: 2 } },
    { title: 'Until the maintenance window', input: { until: '2026-01-05T22:00:00Z' } },
  ],
})
