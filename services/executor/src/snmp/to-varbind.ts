import { isIPv4 } from 'node:net'
import { AppError } from '@opsconductor/errors'
import { z } from 'zod'
import type { MibNode, MibTree } from '../mibs/mib-tree.ts'
import { toOid } from '../mibs/to-oid.ts'
import type { Varbind } from './net-snmp.ts'
import { OidText } from './target-fields.ts'

const setTypes = {
  Integer: 2,
  OctetString: 4,
  OID: 6,
  IpAddress: 64,
  Counter32: 65,
  Gauge32: 66,
  TimeTicks: 67,
  Counter64: 70,
} as const
type SetType = keyof typeof setTypes

export const SnmpSetting = z
  .object({
    oid: OidText,
    type: z
      .enum(Object.keys(setTypes) as [SetType, ...SetType[]])
      .optional()
      .describe('Left out: what the MIB says of the variable.'),
    value: z
      .union([z.string().max(60_000), z.number()])
      .describe('Numbers may be written as text too; a variable with labels takes one of them.'),
    encoding: z
      .enum(['text', 'hex'])
      .default('text')
      .describe('How `value` stands for octets: as UTF-8 text or in hexadecimal digits.'),
  })
  .strict()

/** The types of MIBs as those of the wire. */
const wireTypes: Readonly<Record<string, SetType>> = {
  INTEGER: 'Integer',
  Integer32: 'Integer',
  'OCTET STRING': 'OctetString',
  BITS: 'OctetString',
  'OBJECT IDENTIFIER': 'OID',
  IpAddress: 'IpAddress',
  NetworkAddress: 'IpAddress',
  Counter: 'Counter32',
  Counter32: 'Counter32',
  Counter64: 'Counter64',
  Gauge: 'Gauge32',
  Gauge32: 'Gauge32',
  Unsigned32: 'Gauge32',
  TimeTicks: 'TimeTicks',
}

/** A setting as it goes to the agent. Throws `validation_failed` where value and type do not fit. */
export function toVarbind(tree: MibTree, setting: z.infer<typeof SnmpSetting>): Varbind {
  const oid = toOid(tree, setting.oid)
  const node = tree.find(oid)?.node
  const ofMib = node?.type
  const type =
    setting.type ?? (ofMib !== undefined && Object.hasOwn(wireTypes, ofMib) ? wireTypes[ofMib] : undefined)
  if (type === undefined) throw refuse(setting.oid, 'needs a type: no loaded MIB module says which it has')
  const { value } = setting
  return {
    oid,
    type: setTypes[type],
    value: encode(tree, node, type, setting.encoding === 'hex', value, setting.oid),
  }
}

function encode(
  tree: MibTree,
  node: MibNode | undefined,
  type: SetType,
  isHex: boolean,
  value: string | number,
  name: string,
): unknown {
  switch (type) {
    case 'Integer':
      return integer(labelled(node, value), -0x8000_0000n, 0x7fff_ffffn, name)
    case 'Counter32':
    case 'Gauge32':
    case 'TimeTicks':
      return integer(value, 0n, 0xffff_ffffn, name)
    case 'Counter64': {
      const number = Buffer.alloc(9)
      number.writeBigUInt64BE(toBigInt(value, 0n, 0xffff_ffff_ffff_ffffn, name), 1)
      // BER writes as few octets as a positive number needs.
      const first = number.findIndex((octet, at) => octet !== 0 || ((number[at + 1] ?? 0x80) & 0x80) !== 0)
      return number.subarray(first)
    }
    case 'OctetString':
      return octets(isHex ? fromHex(String(value), name) : Buffer.from(String(value)))
    case 'OID':
      return toOid(tree, String(value))
    case 'IpAddress':
      if (!isIPv4(String(value))) throw refuse(name, 'takes an IPv4 address')
      return value
  }
}

function labelled(node: MibNode | undefined, value: string | number): string | number {
  if (typeof value === 'number' || /^-?\d+$/.test(value)) return value
  for (const [number, label] of node?.labels ?? []) if (label === value) return number
  return value
}

const integer = (value: string | number, min: bigint, max: bigint, name: string): number =>
  Number(toBigInt(value, min, max, name))

function toBigInt(value: string | number, min: bigint, max: bigint, name: string): bigint {
  const isInteger = typeof value === 'number' ? Number.isSafeInteger(value) : /^-?\d{1,20}$/.test(value)
  const number = isInteger ? BigInt(value) : undefined
  if (number === undefined || number < min || number > max)
    throw refuse(name, `takes a whole number from ${min} to ${max}`)
  return number
}

function fromHex(text: string, name: string): Buffer {
  const digits = text.replaceAll(/^0x|[\s:]/gi, '')
  if (!/^(?:[0-9a-f]{2})*$/i.test(digits)) throw refuse(name, 'takes pairs of hexadecimal digits')
  return Buffer.from(digits, 'hex')
}

/** The library cannot write a Buffer of nothing. */
const octets = (bytes: Buffer): Buffer | string => (bytes.length === 0 ? '' : bytes)

const refuse = (name: string, why: string) =>
  new AppError('validation_failed', `${JSON.stringify(name.slice(0, 100))} ${why}.`)
