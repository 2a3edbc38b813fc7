import { AppError } from '@opsconductor/errors'
import { z } from 'zod'
import { runStatements } from '../sql/run-statements.ts'
import { isolationFaults, sqlTextFaults, transactionFields } from '../sql/step-fields.ts'
import { defineStepType } from './define-step-type.ts'

const statementsMax = 1000

export const sqlScript = defineStepType({
  type: 'sql.script',
  title: 'SQL script',
  description:
    'Runs a script of several statements, in one transaction where the database can: strings, comments, dollar quotes, DELIMITER, GO and PL/SQL blocks are understood.',
  risk: 'high',
  credentials: ['db_dsn'],
  credentialRequired: true,
  takesVia: true,
  takesClientCertificate: true,
  input: z
    .object({
      script: z
        .string()
        .min(1)
        .max(256 * 1024)
        .describe(
          'The statements as the tools of the database read them. Takes neither templates nor parameters.',
        ),
      ...transactionFields,
    })
    .strict(),
  output: z.object({
    statements: z.number().int().describe('How many there were.'),
    affected_rows: z.number().int().describe('How many rows all of them together changed.'),
  }),
  retryable: false,
  timeoutSeconds: 300,
  examples: [
    {
      title: 'Make a table and fill it',
      input: {
        script:
          "CREATE TABLE colours (name text);\nINSERT INTO colours VALUES ('red'), ('green; and blue');\n",
      },
      credential: 'db_dsn',
    },
  ],
  check: (input) => [...sqlTextFaults('.script', input.script), ...isolationFaults(input)],
  async run({ script, isolation, transaction }, { withDatabase }) {
    const { splitScript } = await import('../sql/split-script.ts')
    const results = await withDatabase((session) => {
      const statements = splitScript(session.dialect, script)
      if (statements.length === 0 || statements.length > statementsMax)
        throw new AppError('step_failed', `The script must hold between 1 and ${statementsMax} statements.`)
      return runStatements(
        session,
        statements.map((sql) => ({ sql, parameters: [] })),
        { isolation, transaction, rowsMax: 0 },
      )
    })
    return {
      statements: results.length,
      affected_rows: results.reduce((sum, one) => sum + (one.affected_rows ?? 0), 0),
    }
  },
})
