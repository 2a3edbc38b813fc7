import { Json } from '@opsconductor/contracts'
import { z } from 'zod'
import { defineDurableStepType } from './define-step-type.ts'
import { callFields, callSecondsMax, checkConnector } from './project-call-fields.ts'

export const projectCall = defineDurableStepType({
  type: 'project.call',
  title: "Call another project's interface",
  description:
    "Calls an update interface of another project through a project connector and waits for its answer: of a long-lived workflow what the update answers, of a job its run's output. Cancelling reaches it. The same step of the same run never takes effect twice.",
  input: z.object(callFields).strict(),
  output: z.object({ output: Json.describe('What the interface answered.') }),
  timeoutSeconds: callSecondsMax,
  examples: [
    {
      title: 'Restart what another team runs',
      input: { connector: 'billing-restart', input: { host: 'db1' } },
    },
  ],
  check: checkConnector,
})
