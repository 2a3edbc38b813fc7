import { z } from 'zod'
import { toOid } from '../mibs/to-oid.ts'
import { getValues } from '../snmp/get-values.ts'
import { OidText, snmpCredentialTypes, targetFields, targetOf } from '../snmp/target-fields.ts'
import { SnmpRow, toRow } from '../snmp/to-row.ts'
import { defineStepType } from './define-step-type.ts'

export const snmpGet = defineStepType({
  type: 'snmp.get',
  title: 'SNMP get',
  description: 'Reads single variables of an SNMP agent (v1, v2c or v3, as the credential says).',
  risk: 'low',
  credentials: snmpCredentialTypes,
  credentialRequired: true,
  input: z
    .object({
      ...targetFields,
      oids: z.array(OidText).min(1).max(100).describe('The variables to read, in the order of the result.'),
    })
    .strict(),
  output: z.object({ values: z.array(SnmpRow).describe('One for each of `oids`, in their order.') }),
  retryable: true,
  timeoutSeconds: 30,
  examples: [
    {
      title: 'Name and uptime of a device',
      input: { host: 'switch.example.com', oids: ['sysName.0', 'sysUpTime.0'] },
      credential: 'snmp_v3',
    },
    {
      title: 'By number',
      input: { host: 'router.example.com', oids: ['1.3.6.1.2.1.1.1.0'], timeout_ms: 1000 },
      credential: 'snmp_community',
    },
  ],
  async run(input, tools) {
    const mibs = await tools.mibs()
    const oids = input.oids.map((oid) => toOid(mibs, oid))
    const { openAgent } = await import('../snmp/session.ts')
    const agent = await openAgent(targetOf(input), tools)
    try {
      const values = await getValues(agent, oids)
      return { values: values.map((value) => toRow(mibs, value)) }
    } finally {
      agent.close()
    }
  },
})
