import { isUtf8 } from 'node:buffer'
import { AppError } from '@opsconductor/errors'
import { z } from 'zod'
import type { MibNode, MibTree } from '../mibs/mib-tree.ts'
import { fullName } from '../mibs/to-oid.ts'
import { displayInteger, displayOctets } from './display-hint.ts'
import type { Varbind } from './net-snmp.ts'

export const SnmpRow = z.object({
  oid: z.string().describe('The OID in numbers.'),
  name: z
    .string()
    .nullable()
    .describe('The name with its module, as `IF-MIB::ifDescr.1`; null where no loaded module has one.'),
  type: z
    .string()
    .describe(
      'The type on the wire, as `OctetString`; `NoSuchObject` or `NoSuchInstance` where the agent has no value.',
    ),
  value: z
    .union([z.string(), z.number(), z.null()])
    .describe(
      'Text where octets are printable UTF-8, else hexadecimal; a string for 64-bit counters beyond 2^53.',
    ),
  encoding: z.enum(['text', 'hex']).optional().describe('How `value` stands for octets.'),
  label: z
    .string()
    .optional()
    .describe('What the MIB calls this value, as `up`; for BITS the names of those that are set.'),
  display: z
    .string()
    .optional()
    .describe("The value as the MIB's DISPLAY-HINT writes it; for an OID its name."),
})
export type SnmpRow = z.infer<typeof SnmpRow>

type Shown = Pick<SnmpRow, 'value' | 'encoding' | 'display' | 'label'>

const typeNames: Readonly<Record<number, string>> = {
  1: 'Boolean',
  2: 'Integer',
  3: 'BitString',
  4: 'OctetString',
  5: 'Null',
  6: 'OID',
  64: 'IpAddress',
  65: 'Counter32',
  66: 'Gauge32',
  67: 'TimeTicks',
  68: 'Opaque',
  70: 'Counter64',
  128: 'NoSuchObject',
  129: 'NoSuchInstance',
  130: 'EndOfMibView',
}

/** A value as a step's result has it. Throws `target_failed` where the agent's value is none of its type. */
export function toRow(tree: MibTree, { oid, type, value }: Varbind): SnmpRow {
  const found = tree.find(oid)
  const typeName = typeNames[type] ?? `type ${type}`
  return {
    oid,
    name: found === undefined ? null : fullName(found.node, found.suffix),
    ...(type === opaque ? showOpaque(value) : { type: typeName, ...show(tree, found?.node, type, value) }),
  }
}

const opaque = 68

function show(tree: MibTree, node: MibNode | undefined, type: number, value: unknown): Shown {
  switch (type) {
    case 2:
    case 65:
    case 66:
    case 67:
      return showInteger(node, value)
    case 4:
      return showOctets(node, octetsOf(value))
    case 6: {
      if (typeof value !== 'string') throw malformed()
      const found = tree.find(value)
      return { value, ...(found === undefined ? {} : { display: fullName(found.node, found.suffix) }) }
    }
    case 70:
      return { value: toUnsigned(octetsOf(value)) }
    case 1:
      return { value: Number(value) }
    case 3:
    case 64:
      if (typeof value !== 'string') throw malformed()
      return { value }
    default:
      return { value: null }
  }
}

function showInteger(node: MibNode | undefined, value: unknown): Shown {
  if (typeof value !== 'number') throw malformed()
  const label = node?.labels?.get(value)
  const display = node?.displayHint === undefined ? undefined : displayInteger(node.displayHint, value)
  return { value, ...(label === undefined ? {} : { label }), ...(display === undefined ? {} : { display }) }
}

function showOctets(node: MibNode | undefined, octets: Buffer): Shown {
  const text = printable(octets)
  const shown: Shown =
    text === undefined
      ? { value: octets.toString('hex'), encoding: 'hex' }
      : { value: text, encoding: 'text' }
  if (node?.type === 'BITS' && node.labels !== undefined)
    return { ...shown, label: setBits(node.labels, octets) }
  const hint = node?.displayHint
  if (hint === undefined || (text !== undefined && /^\d+[at]$/.test(hint))) return shown
  const display = displayOctets(hint, octets)
  return display === undefined ? shown : { ...shown, display: display.replaceAll('\0', '') }
}

/** Bit 0 is the highest of the first octet (RFC 2578 section 7.1.4). */
const setBits = (labels: ReadonlyMap<number, string>, octets: Buffer): string =>
  [...labels]
    .filter(([bit]) => ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0)
    .map(([, label]) => label)
    .join(', ')

function printable(octets: Buffer): string | undefined {
  if (!isUtf8(octets)) return undefined
  const text = octets.toString('utf8')
  return /[^\P{C}\t\n\r]/u.test(text) ? undefined : text
}

/** A float or a double that is wrapped in Opaque, as Net-SNMP sends them. */
function showOpaque(value: unknown): Shown & { type: string } {
  const octets = octetsOf(value)
  const number =
    octets.length === 7 && octets.readUIntBE(0, 3) === 0x9f7804
      ? octets.readFloatBE(3)
      : octets.length === 11 && octets.readUIntBE(0, 3) === 0x9f7908
        ? octets.readDoubleBE(3)
        : undefined
  if (number === undefined) return { type: 'Opaque', value: octets.toString('hex'), encoding: 'hex' }
  const type = octets.length === 7 ? 'Float' : 'Double'
  return { type, value: Number.isFinite(number) ? number : String(number) }
}

function toUnsigned(octets: Buffer): number | string {
  if (octets.length > 9) throw malformed()
  const number = BigInt(`0x0${octets.toString('hex')}`)
  return number > BigInt(Number.MAX_SAFE_INTEGER) ? String(number) : Number(number)
}

function octetsOf(value: unknown): Buffer {
  if (!Buffer.isBuffer(value)) throw malformed()
  return value
}

const malformed = () =>
  new AppError('target_failed', 'The agent sent a value that does not fit the type it names.')
