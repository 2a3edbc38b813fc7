import { z } from 'zod'
import { defineDurableStepType } from './define-step-type.ts'
import { callFields, callSecondsMax, checkConnector } from './project-call-fields.ts'

export const projectSignal = defineDurableStepType({
  type: 'project.signal',
  title: "Signal another project's workflow",
  description:
    'Sends a signal to a workflow of another project through a project connector. It is over once the signal was taken, whatever the workflow makes of it.',
  input: z.object(callFields).strict(),
  output: z.object({ accepted: z.literal(true).describe('The signal was taken.') }),
  timeoutSeconds: callSecondsMax,
  examples: [{ title: 'Ask for a pause', input: { connector: 'billing-pause', input: { minutes: 5 } } }],
  check: checkConnector,
})
