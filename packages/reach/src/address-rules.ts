import { isIP } from 'node:net'
import type { OutboundPolicy } from '@opsconductor/contracts'
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Range = [Address, number]

/**
 * Denied unless a project's policy opens them: the machine itself, its link, and whatever speaks to everybody. Private
 * ranges are open: reaching them is what an operations tool is for.
 */
const deniedRanges = new Set(['unspecified', 'loopback', 'linkLocal', 'multicast', 'broadcast', 'reserved'])
/** Cloud metadata and host services that live outside the link-local range. */
const deniedHosts = ['fd00:ec2::254', 'fd20:ce::254', '100.100.100.200', '168.63.129.16', '192.0.0.192'].map(
  (text) => ipaddr.parse(text).toNormalizedString(),
)

/**
 * May a connection go to this address? The address is one that a name resolved to, never a name. An IPv4 address that
 * is wrapped in an IPv6 one counts as what it wraps, and as itself.
 */
export function isAddressAllowed(policy: OutboundPolicy, address: string, port: number): boolean {
  const outer = parseAddress(address)
  if (outer === undefined) return false
  const inner = unwrap(outer)
  if (!isDenied(outer, inner)) return true
  return policy.allow.some(({ cidr, ports }) => {
    const range = parseRange(cidr)
    return range !== undefined && ports.includes(port) && contains(range, inner ?? outer)
  })
}

/**
 * Whether the address lies in the range of a rule. A wrapped IPv4 address counts as what it wraps, and also as itself
 * where `orWrapped`.
 */
export function isInRange(cidr: string, address: string, orWrapped: boolean): boolean {
  const range = parseRange(cidr)
  const outer = parseAddress(address)
  if (range === undefined || outer === undefined) return false
  return contains(range, unwrap(outer) ?? outer) || (orWrapped && contains(range, outer))
}

/** True where the text is an address or a CIDR that a rule may name. */
export const isCidr = (text: string): boolean => parseRange(text) !== undefined

function parseAddress(text: string): Address | undefined {
  // ipaddr.js would read octal and short forms too, which other parsers read differently.
  const bare = text.split('%', 1)[0] as string
  return isIP(bare) === 0 ? undefined : ipaddr.parse(bare)
}

function parseRange(text: string): Range | undefined {
  const [address, bits, ...rest] = text.split('/')
  const parsed = address === undefined || address.includes('%') ? undefined : parseAddress(address)
  if (parsed === undefined || rest.length > 0) return undefined
  const bitsMax = parsed.kind() === 'ipv4' ? 32 : 128
  if (bits === undefined) return [parsed, bitsMax]
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(bits) || Number(bits) > bitsMax) return undefined
  return [parsed, Number(bits)]
}

function isDenied(outer: Address, inner: Address | undefined): boolean {
  const decisive = inner ?? outer
  if (deniedHosts.includes(decisive.toNormalizedString())) return true
  if (deniedRanges.has(decisive.range())) return true
  return inner === undefined && isSiteLocal(outer)
}

/** fec0::/10, deprecated by RFC 3879 and still routed by some as if it were local. */
const isSiteLocal = (address: Address): boolean =>
  address.kind() === 'ipv6' && (address as ipaddr.IPv6).match(ipaddr.IPv6.parse('fec0::'), 10)

/** How an IPv6 range carries an IPv4 address: the byte where it begins, and whether its bits are turned over. */
const wrappings: { range: string; bits: number; at: number; inverted?: true }[] = [
  { range: '::ffff:0:0', bits: 96, at: 12 }, // IPv4-mapped, RFC 4291
  { range: '::ffff:0:0:0', bits: 96, at: 12 }, // IPv4-translated, RFC 2765
  { range: '64:ff9b::', bits: 96, at: 12 }, // NAT64, RFC 6052
  { range: '64:ff9b:1::', bits: 48, at: 12 }, // local NAT64, RFC 8215
  { range: '2002::', bits: 16, at: 2 }, // 6to4, RFC 3056
  { range: '2001::', bits: 32, at: 12, inverted: true }, // Teredo, RFC 4380
  { range: '::', bits: 96, at: 12 }, // IPv4-compatible, RFC 4291 (deprecated)
]

function unwrap(address: Address): ipaddr.IPv4 | undefined {
  if (address.kind() === 'ipv4') return undefined
  const six = address as ipaddr.IPv6
  const range = six.range()
  if (range === 'unspecified' || range === 'loopback') return undefined
  const wrapping = wrappings.find((w) => six.match(ipaddr.IPv6.parse(w.range), w.bits))
  if (wrapping === undefined) return undefined
  const bytes = six.toByteArray().slice(wrapping.at, wrapping.at + 4)
  return new ipaddr.IPv4(wrapping.inverted ? bytes.map((byte) => byte ^ 0xff) : bytes)
}

function contains([network, bits]: Range, address: Address): boolean {
  // A rule may itself be written as a wrapped address.
  const inner = bits === (network.kind() === 'ipv4' ? 32 : 128) ? unwrap(network) : undefined
  if (inner !== undefined) return contains([inner, 32], address)
  if (network.kind() !== address.kind()) return false
  return network.kind() === 'ipv4'
    ? (address as ipaddr.IPv4).match(network as ipaddr.IPv4, bits)
    : (address as ipaddr.IPv6).match(network as ipaddr.IPv6, bits)
}
