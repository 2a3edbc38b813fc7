import { Json } from '@opsconductor/contracts'
import { z } from 'zod'
import { defineDurableStepType } from './define-step-type.ts'
import { callFields, callSecondsMax, checkConnector } from './project-call-fields.ts'

export const projectQuery = defineDurableStepType({
  type: 'project.query',
  title: "Ask another project's workflow",
  description: 'Reads the state of a workflow of another project through a project connector.',
  input: z.object(callFields).strict(),
  output: z.object({ output: Json.describe('What the workflow answered.') }),
  timeoutSeconds: callSecondsMax,
  examples: [{ title: 'How far is it', input: { connector: 'billing-status', input: {} } }],
  check: checkConnector,
})
