import { Json, loopItemsMax } from '@opsconductor/contracts'
import { z } from 'zod'
import { defineDurableStepType } from './define-step-type.ts'

/** Roots of templates that are taken. */
const takenNames = ['input', 'steps', 'run']

const ItemOutcome = z.object({
  status: z.enum(['succeeded', 'failed']).describe('Whether all of its steps succeeded.'),
  output: Json.optional().describe("The last step's result; over 8,192 characters an artefact."),
  error: z
    .object({
      code: z.string().describe('A stable code.'),
      message: z.string().describe('The same for a person.'),
    })
    .optional()
    .describe('Why the item failed.'),
})

export const forEach = defineDurableStepType({
  type: 'for_each',
  title: 'For each',
  description: `Runs the step's own \`steps\` for every item of a list, which they name {{ item }}. At most ${loopItemsMax} items.`,
  input: z
    .object({
      items: z.array(Json).max(loopItemsMax).describe('The list, or a template of one.'),
      as: z
        .string()
        .max(50)
        .regex(/^[a-z][a-z0-9_]*$/, 'must start with a letter and hold a-z, 0-9 and _')
        .refine(
          (name) => !takenNames.includes(name) && name !== 'constructor' && name !== 'prototype',
          'is taken',
        )
        .default('item')
        .describe('What the steps call the item; its place is this and `_index`.'),
      concurrency: z.number().int().min(1).max(50).default(1).describe('Items at once.'),
      on_item_error: z
        .enum(['stop', 'continue'])
        .default('stop')
        .describe('`stop`: no more items are begun and the step fails. `continue`: it is counted and told.'),
    })
    .strict(),
  output: z.object({
    total: z.number().int().describe('Items.'),
    succeeded: z.number().int().describe('Items whose steps all succeeded.'),
    failed: z.number().int().describe('The others.'),
    items: z.array(ItemOutcome).describe('What became of each, in the order of the list.'),
  }),
  loops: true,
  timeoutSeconds: 24 * 3600,
  examples: [
    {
      title: 'Check every host, ten at once',
      input: { items: '{{ input.hosts }}' as never, as: 'host', concurrency: 10, on_item_error: 'continue' },
    },
  ],
})
