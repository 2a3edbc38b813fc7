import { HostName } from '@opsconductor/contracts'
import { z } from 'zod'
import type { AgentTarget } from './session.ts'

export const snmpCredentialTypes = ['snmp_community', 'snmp_v3'] as const

export const OidText = z
  .string()
  .min(1)
  .max(1500)
  .describe('In numbers (`1.3.6.1.2.1.1.5.0`) or by name (`sysName.0`, `IF-MIB::ifDescr.1`).')

export const targetFields = {
  host: HostName.describe("The agent's name or address."),
  port: z.number().int().min(1).max(65_535).default(161).describe('The UDP port of the agent.'),
  timeout_ms: z
    .number()
    .int()
    .min(100)
    .max(30_000)
    .default(2_000)
    .describe('How long each datagram is waited for, in milliseconds.'),
  retries: z
    .number()
    .int()
    .min(0)
    .max(10)
    .default(2)
    .describe('How often a request that nobody answers is sent again.'),
}

export const targetOf = (input: {
  host: string
  port: number
  timeout_ms: number
  retries: number
}): AgentTarget => ({
  host: input.host,
  port: input.port,
  timeoutMs: input.timeout_ms,
  retries: input.retries,
})
