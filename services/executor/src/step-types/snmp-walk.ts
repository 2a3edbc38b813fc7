import { z } from 'zod'
import { toOid } from '../mibs/to-oid.ts'
import { OidText, snmpCredentialTypes, targetFields, targetOf } from '../snmp/target-fields.ts'
import { SnmpRow, toRow } from '../snmp/to-row.ts'
import { walk } from '../snmp/walk.ts'
import { collectRows, writeRows } from '../snmp/walked-rows.ts'
import { defineStepType } from './define-step-type.ts'

export const snmpWalk = defineStepType({
  type: 'snmp.walk',
  title: 'SNMP walk',
  description:
    'Reads everything below an OID, with GETBULK where the version has it. What is too much for a result can be saved as an artefact of one JSON object a line.',
  risk: 'low',
  credentials: snmpCredentialTypes,
  credentialRequired: true,
  input: z
    .object({
      ...targetFields,
      oid: OidText.describe('Where to begin: a table, a column, or any other OID or name.'),
      rows_max: z
        .number()
        .int()
        .min(1)
        .max(1_000_000)
        .default(10_000)
        .describe('Rows to read at most; where there are more, `truncated` says so.'),
      repetitions: z
        .number()
        .int()
        .min(1)
        .max(200)
        .optional()
        .describe('Rows to ask for at once; left out: as many as go well.'),
      save_as: z
        .string()
        .min(1)
        .max(200)
        .optional()
        .describe('Name of an artefact that takes the rows; the result then holds none.'),
    })
    .strict(),
  output: z.object({
    rows: z.array(SnmpRow).describe('In the order of their OIDs; none where they were saved.'),
    row_count: z.number().int().describe('How many rows were read.'),
    truncated: z.boolean().describe('Whether there was more than `rows_max`, or than fits into a result.'),
    artefact: z
      .object({ id: z.string(), name: z.string(), bytes: z.number() })
      .nullable()
      .describe('Where the rows were saved.'),
  }),
  retryable: true,
  timeoutSeconds: 120,
  examples: [
    {
      title: 'The interfaces of a switch',
      input: { host: 'switch.example.com', oid: 'IF-MIB::ifTable' },
      credential: 'snmp_v3',
    },
    {
      title: 'A large table into a file',
      input: {
        host: 'router.example.com',
        oid: '1.3.6.1.2.1.4',
        rows_max: 500_000,
        save_as: 'routes.jsonl',
      },
      credential: 'snmp_community',
    },
  ],
  async run(input, tools) {
    const mibs = await tools.mibs()
    const root = toOid(mibs, input.oid)
    const { openAgent } = await import('../snmp/session.ts')
    const agent = await openAgent(targetOf(input), tools)
    try {
      const found = walk(agent, root, input.repetitions)
      const limit = {
        rowsMax: input.rows_max,
        toRow: (varbind: Parameters<typeof toRow>[1]) => toRow(mibs, varbind),
      }
      return input.save_as === undefined
        ? await collectRows(found, limit)
        : await writeRows(found, { ...limit, name: input.save_as, tools })
    } finally {
      agent.close()
    }
  },
})
