import { Json } from '@opsconductor/contracts'
import { z } from 'zod'
import { defineStepType } from './define-step-type.ts'

export const set = defineStepType({
  type: 'set',
  title: 'Set values',
  description: 'Gives names to values, so that later steps and the output can say what they mean.',
  risk: 'low',
  credentials: [],
  input: z
    .object({
      values: z
        .record(z.string().max(100), Json)
        .describe('The values by their names; the result is the same.'),
    })
    .strict(),
  output: z.object({}).catchall(Json),
  retryable: true,
  isLocal: true,
  timeoutSeconds: 2,
  examples: [
    {
      title: 'Name a part of the input',
      input: { values: { host: '{{ input.host }}', tags: ['nightly', '{{ input.team }}'] } },
    },
  ],
  run: async ({ values }) => values,
})
