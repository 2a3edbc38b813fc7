import type { Json } from '@opsconductor/contracts'
import { z } from 'zod'
import { runQuery, saveQuery } from '../sql/run-query.ts'
import { SqlParameters, SqlText, sqlRowsOutput, sqlTextFaults } from '../sql/step-fields.ts'
import { defineStepType } from './define-step-type.ts'

/** More of them belong into an artefact. */
const rowsInlineMax = 100_000

export const sqlQuery = defineStepType({
  type: 'sql.query',
  title: 'SQL query',
  description:
    'Runs one statement that reads, on PostgreSQL, MySQL, MariaDB, SQL Server, Oracle or SQLite, in a transaction that can do nothing else.',
  risk: 'low',
  credentials: ['db_dsn'],
  credentialRequired: true,
  takesVia: true,
  takesClientCertificate: true,
  input: z
    .object({
      sql: SqlText,
      parameters: SqlParameters.default([]),
      rows_max: z
        .number()
        .int()
        .min(1)
        .max(10_000_000)
        .optional()
        .describe('Left out: 1000, and with `save_as` all of them.'),
      save_as: z
        .string()
        .min(1)
        .max(200)
        .optional()
        .describe(
          'Name of an artefact that takes the rows, one JSON object a line; the result then holds none.',
        ),
    })
    .strict(),
  output: z.object({
    ...sqlRowsOutput,
    artefact: z
      .object({
        id: z.string().describe('As in `/api/runs/{id}/artefacts`.'),
        name: z.string().describe('As in `save_as`.'),
        bytes: z.number().describe('How long it is.'),
      })
      .optional()
      .describe('Where the rows were saved.'),
  }),
  retryable: true,
  timeoutSeconds: 30,
  examples: [
    {
      title: 'Look one customer up',
      input: {
        sql: 'SELECT id, name FROM customers WHERE email = :email',
        parameters: { email: '{{ input.email }}' },
      },
      credential: 'db_dsn',
    },
    {
      title: 'By position',
      input: { sql: 'SELECT count(*) FROM orders WHERE status = $1', parameters: ['open'] },
      credential: 'db_dsn',
    },
    {
      title: 'Keep a large answer as a file',
      input: { sql: 'SELECT * FROM orders', save_as: 'orders.jsonl' },
      credential: 'db_dsn',
    },
  ],
  check({ sql, rows_max, save_as }) {
    const faults = sqlTextFaults('.sql', sql)
    if (save_as === undefined && typeof rows_max === 'number' && rows_max > rowsInlineMax)
      faults.push({
        at: '.rows_max',
        message: `must be at most ${rowsInlineMax} where the rows are not saved by save_as`,
      })
    return faults
  },
  async run({ sql, parameters, rows_max, save_as: name }, { withDatabase, artefacts }) {
    const result = await withDatabase((session) => {
      if (name === undefined) return runQuery(session, { sql, parameters, rowsMax: rows_max ?? 1000 })
      const query = { sql, parameters, rowsMax: rows_max ?? Number.POSITIVE_INFINITY }
      return saveQuery(session, query, (content) =>
        artefacts.write({ name, contentType: 'application/jsonl', content }),
      )
    })
    return result as typeof result & { rows: Record<string, z.infer<typeof Json>>[] }
  },
})
