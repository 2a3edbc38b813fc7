import { Json } from '@opsconductor/contracts'
import { z } from 'zod'
import { holdsTemplate } from '../templating/references.ts'

/** What every step that calls another project takes. */
export const callFields = {
  connector: z.string().min(1).max(255).describe('The project connector, by name or id; not a template.'),
  attempts: z
    .number()
    .int()
    .min(1)
    .max(10)
    .default(1)
    .describe('How often it is tried where the way to the target fails; what it does is done once.'),
  input: Json.default({}).describe(
    'What the interface takes; held against its input_schema by both projects.',
  ),
}

export const callSecondsMax = 86_400

/** What a job may reach must be known before it runs. */
export const checkConnector = ({ connector }: Readonly<Record<string, unknown>>) =>
  holdsTemplate(connector) ? [{ at: '.connector', message: 'must not be a template' }] : []
