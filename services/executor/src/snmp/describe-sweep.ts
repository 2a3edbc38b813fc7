import { z } from 'zod'
import type { MibTree } from '../mibs/mib-tree.ts'
import type { Varbind } from './net-snmp.ts'
import { type SnmpRow, toRow } from './to-row.ts'

export const SnmpDevice = z.object({
  address: z.string().describe('Where it answered.'),
  name: z.string().nullable().describe('sysName.'),
  description: z.string().nullable().describe('sysDescr, its first 200 characters.'),
  object_id: z.string().nullable().describe('sysObjectID: who made it and what it is.'),
  object_name: z.string().nullable().describe('The same by name, as far as the loaded MIB modules know it.'),
  latency_ms: z.number().int().describe('How long its answer took.'),
})
type SnmpDevice = z.infer<typeof SnmpDevice>

export const SnmpRefusal = z.object({
  address: z.string().describe('Where it answered.'),
  message: z.string().describe('What is wrong.'),
})

export interface Sweep {
  devices: SnmpDevice[]
  /** Who is there and does not take the credential, or does not speak SNMP as it should. */
  refused: { address: string; message: string }[]
  /** Addresses that the outbound policy or the credential's limits keep from being asked. */
  denied: number
}

/** Below what a step's result may have. */
const resultBytesMax = 200 * 1024

/** What a sweep found, as a result has it. */
export function describeSweep({ devices, refused, denied }: Sweep) {
  let bytes = 0
  const fits = (one: object) => {
    bytes += Buffer.byteLength(JSON.stringify(one)) + 1
    return bytes <= resultBytesMax
  }
  const shown = devices.filter(fits)
  const refusals = refused.filter(fits)
  return {
    devices: shown,
    refused: refusals,
    denied,
    truncated: shown.length < devices.length || refusals.length < refused.length,
  }
}

interface FoundDevice {
  address: string
  latencyMs: number
  /** sysDescr, sysObjectID and sysName. */
  values: readonly Varbind[]
}

export type DescribeDevice = (found: FoundDevice) => SnmpDevice

/** Throws `target_failed` where a value is none of its type. */
export const describeDevice =
  (mibs: MibTree): DescribeDevice =>
  ({ address, latencyMs, values }) => {
    const [description, objectId, name] = values.map((value) => toRow(mibs, value))
    return {
      address,
      name: textOf(name)?.slice(0, 255) ?? null,
      description: textOf(description)?.slice(0, 200) ?? null,
      object_id: textOf(objectId)?.slice(0, 500) ?? null,
      object_name: objectId?.display?.slice(0, 500) ?? null,
      latency_ms: latencyMs,
    }
  }

const textOf = (row: SnmpRow | undefined): string | undefined =>
  typeof row?.value === 'string' ? row.value : undefined
