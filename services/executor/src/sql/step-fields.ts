import { Json } from '@opsconductor/contracts'
import { z } from 'zod'
import { isolationLevels } from './dialect.ts'

// What SQL steps take and give, the same in each.

const parametersMax = 1000

export const SqlText = z
  .string()
  .min(1)
  .max(100_000)
  .describe('One statement. It takes no templates: values come in as parameters, never as text.')

const Parameter = z.union([z.string().max(100_000), z.number(), z.boolean(), z.null(), Json])

export const SqlParameters = z
  .union([
    z.array(Parameter).max(parametersMax),
    z
      .record(z.string().regex(/^[A-Za-z_]\w{0,99}$/), Parameter)
      .refine(
        (named) => Object.keys(named).length <= parametersMax,
        `must not have more than ${parametersMax}`,
      ),
  ])
  .describe('For `:name` an object; for the places of the database itself (`$1`, `?`, `@p1`, `:1`) a list.')

export const sqlRowsOutput = {
  rows: z
    .array(z.record(z.string(), Json))
    .describe('Of each row an object; a second column of one name is called `name_2`.'),
  row_count: z.number().int().describe('How many rows there are here.'),
  truncated: z.boolean().describe('Whether there was more than the limits let through.'),
  truncated_by: z
    .enum(['rows', 'bytes', 'columns'])
    .optional()
    .describe('Which limit it was: `rows_max`, 8 MiB, or 500 columns.'),
}

/** Of the statements that change something. */
export const transactionFields = {
  isolation: z
    .enum(isolationLevels)
    .optional()
    .describe('How the transaction is kept apart from others; left out: as the database does it.'),
  transaction: z
    .boolean()
    .default(true)
    .describe('false: each statement by itself, for those that do not run in a transaction, like VACUUM.'),
}

export const isolationFaults = ({
  transaction,
  isolation,
}: Readonly<Record<string, unknown>>): { at: string; message: string }[] =>
  transaction === false && isolation !== undefined
    ? [{ at: '.isolation', message: 'is of a transaction, and there is none' }]
    : []

/** SQL text is the author's alone: whatever comes from elsewhere is a parameter. */
export const sqlTextFaults = (at: string, sql: unknown): { at: string; message: string }[] =>
  typeof sql === 'string' && sql.includes('{{')
    ? [{ at, message: 'must not hold templates: write :name and give the value in parameters' }]
    : []
