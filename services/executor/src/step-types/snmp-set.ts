import { AppError } from '@opsconductor/errors'
import { z } from 'zod'
import { AgentRefusal, isSilence, refusalError } from '../snmp/snmp-error.ts'
import { snmpCredentialTypes, targetFields, targetOf } from '../snmp/target-fields.ts'
import { SnmpRow, toRow } from '../snmp/to-row.ts'
import { SnmpSetting, toVarbind } from '../snmp/to-varbind.ts'
import { defineStepType } from './define-step-type.ts'

export const snmpSet = defineStepType({
  type: 'snmp.set',
  title: 'SNMP set',
  description:
    'Writes variables of an SNMP agent, all of them or none. Types and labels come from the loaded MIB modules where the step names none.',
  risk: 'high',
  credentials: snmpCredentialTypes,
  credentialRequired: true,
  input: z
    .object({
      ...targetFields,
      retries: targetFields.retries
        .unwrap()
        .default(0)
        .describe(
          'How often the request is sent again where nobody answers; an agent may then take it twice.',
        ),
      values: z
        .array(SnmpSetting)
        .min(1)
        .max(24)
        .describe('What to write; the agent takes all of it or nothing.'),
    })
    .strict(),
  output: z.object({ values: z.array(SnmpRow).describe('What the agent says that it wrote.') }),
  retryable: false,
  timeoutSeconds: 30,
  examples: [
    {
      title: 'Say where a device stands',
      input: {
        host: 'switch.example.com',
        values: [{ oid: 'sysLocation.0', value: '{{ input.rack }}' }],
      },
      credential: 'snmp_v3',
    },
    {
      title: 'With a type, where no MIB module is loaded',
      input: {
        host: 'switch.example.com',
        values: [{ oid: '1.3.6.1.2.1.1.4.0', type: 'OctetString', value: 'ops@example.com' }],
      },
      credential: 'snmp_community',
    },
  ],
  async run(input, tools) {
    const mibs = await tools.mibs()
    const varbinds = input.values.map((setting) => toVarbind(mibs, setting))
    const { openAgent } = await import('../snmp/session.ts')
    const agent = await openAgent(targetOf(input), tools)
    try {
      const written = await agent.set(varbinds)
      return { values: written.map((value) => toRow(mibs, value)) }
    } catch (error) {
      if (error instanceof AgentRefusal)
        throw refusalError(
          error,
          varbinds.map(({ oid }) => oid),
        )
      if (isSilence(error))
        throw new AppError(
          'target_unreachable',
          'The agent did not answer; whether it took the values is not known.',
        )
      throw error
    } finally {
      agent.close()
    }
  },
})
