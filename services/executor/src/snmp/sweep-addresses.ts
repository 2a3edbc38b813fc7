import ipaddr from 'ipaddr.js'

export const addressesMax = 4096

/** The addresses of hosts in a network, without the network's own and its broadcast address; undefined where it is none, or too large. */
export function sweepAddresses(cidr: string): string[] | undefined {
  const [text = '', bits = '', ...rest] = cidr.split('/')
  if (rest.length > 0 || !/^\d{1,3}$/.test(bits) || !isAddress(text)) return undefined
  const network = ipaddr.parse(text)
  const bytes = network.toByteArray()
  const free = bytes.length * 8 - Number(bits)
  if (free < 0 || 2 ** free > addressesMax) return undefined
  const first =
    bytes.reduce((number, byte) => number * 256n + BigInt(byte), 0n) & ~((1n << BigInt(free)) - 1n)
  const hasBroadcast = network.kind() === 'ipv4' && free >= 2
  const addresses: string[] = []
  for (let at = hasBroadcast ? 1 : 0; at < 2 ** free - (hasBroadcast ? 1 : 0); at++)
    addresses.push(toAddress(first + BigInt(at), bytes.length))
  return addresses
}

/** ipaddr.js would read octal and short forms too, which other parsers read differently. */
const isAddress = (text: string): boolean =>
  ipaddr.IPv4.isValidFourPartDecimal(text) ||
  (text.includes(':') && !text.includes('%') && ipaddr.IPv6.isValid(text))

const toAddress = (number: bigint, length: number): string =>
  ipaddr
    .fromByteArray(
      Array.from({ length }, (_, at) => Number((number >> BigInt(8 * (length - 1 - at))) & 255n)),
    )
    .toString()
