import type { Json } from '@opsconductor/contracts'
import { z } from 'zod'
import { runStatements } from '../sql/run-statements.ts'
import {
  isolationFaults,
  SqlParameters,
  SqlText,
  sqlRowsOutput,
  sqlTextFaults,
  transactionFields,
} from '../sql/step-fields.ts'
import { defineStepType } from './define-step-type.ts'

const statementFields = { sql: SqlText, parameters: SqlParameters.default([]) }

export const sqlExecute = defineStepType({
  type: 'sql.execute',
  title: 'SQL execute',
  description:
    'Runs one statement, or several in one transaction: all of them take effect or none. Answers how many rows each one changed, and the rows that it returned.',
  risk: 'high',
  credentials: ['db_dsn'],
  credentialRequired: true,
  takesVia: true,
  takesClientCertificate: true,
  input: z
    .object({
      sql: SqlText.optional(),
      parameters: SqlParameters.optional(),
      statements: z
        .array(z.object(statementFields).strict())
        .min(1)
        .max(100)
        .optional()
        .describe('Several statements, in place of `sql`.'),
      ...transactionFields,
      rows_max: z.number().int().min(1).max(100_000).default(1000).describe('How many rows each may return.'),
    })
    .strict(),
  output: z.object({
    affected_rows: z.number().int().describe('How many rows all statements together changed.'),
    results: z
      .array(
        z.object({
          affected_rows: z
            .number()
            .int()
            .nullable()
            .describe('How many rows it changed; null where it is of a kind that changes none.'),
          insert_id: z
            .union([z.number(), z.string()])
            .optional()
            .describe('The key that MySQL, MariaDB or SQLite gave to an inserted row.'),
          ...sqlRowsOutput,
        }),
      )
      .describe('Of each statement, in their order.'),
  }),
  retryable: false,
  timeoutSeconds: 60,
  examples: [
    {
      title: 'Change a row and read it back',
      input: {
        sql: 'UPDATE customers SET is_active = false WHERE email = :email RETURNING id',
        parameters: { email: '{{ input.email }}' },
      },
      credential: 'db_dsn',
    },
    {
      title: 'Move an amount, or nothing',
      input: {
        statements: [
          {
            sql: 'UPDATE accounts SET amount = amount - :amount WHERE id = :id',
            parameters: { amount: 5, id: 1 },
          },
          {
            sql: 'UPDATE accounts SET amount = amount + :amount WHERE id = :id',
            parameters: { amount: 5, id: 2 },
          },
        ],
        isolation: 'serializable',
      },
      credential: 'db_dsn',
    },
  ],
  check(input) {
    const { sql, parameters, statements } = input
    const faults = [...sqlTextFaults('.sql', sql), ...isolationFaults(input)]
    if ((sql === undefined) === (statements === undefined))
      faults.push({ at: '', message: 'must have either sql or statements' })
    if (parameters !== undefined && statements !== undefined)
      faults.push({ at: '.parameters', message: 'belongs to the one statement in sql' })
    for (const [index, one] of (Array.isArray(statements) ? statements : []).entries())
      faults.push(...sqlTextFaults(`.statements[${index}].sql`, one?.sql))
    return faults
  },
  async run(
    { sql = '', parameters = [], statements, isolation, transaction, rows_max: rowsMax },
    { withDatabase },
  ) {
    const results = await withDatabase((session) =>
      runStatements(session, statements ?? [{ sql, parameters }], { isolation, rowsMax, transaction }),
    )
    const affected_rows = results.reduce((sum, one) => sum + (one.affected_rows ?? 0), 0)
    return {
      affected_rows,
      results: results as ((typeof results)[number] & { rows: Record<string, z.infer<typeof Json>>[] })[],
    }
  },
})
