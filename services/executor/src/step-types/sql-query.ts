import { Json } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { z } from 'zod'
import { bindNamed } from '../sql/named-parameters.ts'
import { defineStepType } from './define-step-type.ts'

const Parameter = z.union([z.string().max(100_000), z.number(), z.boolean(), z.null(), Json])

export const sqlQuery = defineStepType({
  type: 'sql.query',
  title: 'SQL query',
  risk: 'low',
  credentials: ['db_dsn'],
  credentialRequired: true,
  input: z
    .object({
      /** One statement that reads. Values come in as parameters, never as text. */
      sql: z.string().min(1).max(100_000),
      /** For `$1`, `$2`, … a list, for `:name` an object. */
      parameters: z
        .union([z.array(Parameter).max(1000), z.record(z.string().regex(/^[A-Za-z_]\w*$/), Parameter)])
        .default([]),
      rows_max: z.number().int().min(1).max(10_000).default(1000),
    })
    .strict(),
  output: z.object({
    rows: z.array(z.record(z.string(), Json)),
    row_count: z.number().int(),
    truncated: z.boolean(),
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
    },
    {
      title: 'By position',
      input: { sql: 'SELECT count(*) FROM orders WHERE status = $1', parameters: ['open'] },
    },
  ],
  check: ({ sql }) =>
    typeof sql === 'string' && sql.includes('{{')
      ? [{ at: '.sql', message: 'must not hold templates: write :name and give the value in parameters' }]
      : [],
  async run({ sql, parameters, rows_max: rowsMax }, { sql: query }) {
    const bound = Array.isArray(parameters)
      ? { sql, values: parameters, unused: [] }
      : bindNamed(sql, parameters)
    if (bound.unused.length > 0)
      throw new AppError('step_failed', `The statement has no parameter :${bound.unused[0]?.slice(0, 100)}.`)
    const result = await query({ sql: bound.sql, values: bound.values.map(toSqlValue), rowsMax })
    return result as typeof result & { rows: Record<string, z.infer<typeof Json>>[] }
  },
})

/** Objects go in as JSON text, which PostgreSQL reads as json or jsonb; lists stay lists for `= ANY($1)`. */
const toSqlValue = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? JSON.stringify(value) : value
