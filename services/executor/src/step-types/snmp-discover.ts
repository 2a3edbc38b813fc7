import { AppError } from '@opsconductor/errors'
import { z } from 'zod'
import { describeDevice, describeSweep, SnmpDevice, SnmpRefusal } from '../snmp/describe-sweep.ts'
import { addressesMax, sweepAddresses } from '../snmp/sweep-addresses.ts'
import { snmpCredentialTypes, targetFields } from '../snmp/target-fields.ts'
import { defineStepType } from './define-step-type.ts'

const networkFault = `must be a network like 10.0.0.0/24, of ${addressesMax} addresses at most`

export const snmpDiscover = defineStepType({
  type: 'snmp.discover',
  title: 'SNMP discovery',
  description:
    'Asks every address of a network for its SNMP name and description. Reports how far it is while it runs.',
  risk: 'medium',
  credentials: snmpCredentialTypes,
  credentialRequired: true,
  input: z
    .object({
      network: z
        .string()
        .max(60)
        .describe(`A CIDR of ${addressesMax} addresses at most, as \`10.0.0.0/24\`.`),
      port: targetFields.port,
      timeout_ms: targetFields.timeout_ms
        .unwrap()
        .default(1_000)
        .describe('How long each datagram is waited for.'),
      retries: targetFields.retries
        .unwrap()
        .default(1)
        .describe('How often an address that is silent is asked again.'),
      concurrency: z
        .number()
        .int()
        .min(1)
        .max(64)
        .default(32)
        .describe('How many addresses are asked at once.'),
    })
    .strict(),
  output: z.object({
    devices: z.array(SnmpDevice).describe('Who answered, in the order of their addresses.'),
    refused: z.array(SnmpRefusal).describe('Who is there and does not take the credential.'),
    asked: z.number().int().describe('How many addresses were asked.'),
    denied: z
      .number()
      .int()
      .describe("Addresses that the outbound policy or the credential's limits kept out."),
    truncated: z.boolean().describe('Whether there are more than a result can hold.'),
  }),
  retryable: true,
  timeoutSeconds: 300,
  examples: [
    {
      title: 'Who is in a rack',
      input: { network: '10.0.7.0/28', timeout_ms: 500 },
      credential: 'snmp_community',
    },
  ],
  check: ({ network }) =>
    typeof network !== 'string' || network.includes('{{') || sweepAddresses(network) !== undefined
      ? []
      : [{ at: '.network', message: networkFault }],
  async run(input, tools) {
    const addresses = sweepAddresses(input.network)
    if (addresses === undefined) throw new AppError('validation_failed', `input.network ${networkFault}.`)
    const { port, timeout_ms: timeoutMs, retries, concurrency } = input
    const describe = describeDevice(await tools.mibs())
    const { sweep } = await import('../snmp/sweep.ts')
    const found = await sweep(addresses, { port, timeoutMs, retries, concurrency, describe }, tools)
    if (found.denied === addresses.length)
      throw new AppError(
        'outbound_denied',
        "The project's outbound policy or the credential's limits allow no address of this network.",
      )
    return { ...describeSweep(found), asked: addresses.length - found.denied }
  },
})
