import { z } from 'zod'
import { defineConnectorKind } from './define-connector-kind.ts'
import { refuseInput } from './refuse-input.ts'

export const database = defineConnectorKind({
  kind: 'database',
  title: 'Database',
  description: 'A database; where it is and who logs in is in the DSN of its credential.',
  settings: z
    .object({
      /** Only sql.query, which can change nothing, takes it. */
      read_only: z.boolean().default(false),
    })
    .strict(),
  address: [],
  credentials: ['db_dsn'],
  credentialRequired: true,
  stepTypes: ['sql.query', 'sql.execute', 'sql.script'],
  apply({ read_only }, input, stepType) {
    if (read_only && stepType !== 'sql.query')
      throw refuseInput('connector', 'is read-only: only sql.query takes it')
    return { ...input }
  },
  check: () => ({ kind: 'sql' }),
})
