import { Json } from '@opsconductor/contracts'
import { z } from 'zod'
import { defineDurableStepType } from './define-step-type.ts'
import { callFields, callSecondsMax, checkConnector } from './project-call-fields.ts'

export const projectStart = defineDurableStepType({
  type: 'project.start',
  title: "Start another project's workflow",
  description:
    'Starts the workflow or job behind a project connector, which must allow it (`allow_start`), and waits for its result unless told not to. Cancelling reaches it while the step waits.',
  input: z
    .object({
      ...callFields,
      wait: z.boolean().default(true).describe('Whether the step waits for the result.'),
    })
    .strict(),
  output: z.object({
    output: Json.optional().describe('The result, where it was waited for.'),
    workflow_id: z
      .string()
      .nullable()
      .optional()
      .describe('The workflow that was started, where it was not.'),
    operation_token: z.string().nullable().optional().describe('What Nexus calls it by.'),
  }),
  timeoutSeconds: callSecondsMax,
  examples: [
    { title: 'A nightly report', input: { connector: 'billing-report', input: { day: '2026-01-05' } } },
    { title: 'Begin and go on', input: { connector: 'billing-report', input: {}, wait: false } },
  ],
  check: checkConnector,
})
