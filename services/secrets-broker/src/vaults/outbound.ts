import { type LookupAddress, lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/**
 * Where a vault may be. Private networks are where vaults live; what is refused is this machine itself and the
 * link-local range, where clouds keep the credentials of the machine.
 */
export interface OutboundRules {
  /** For tests and for an agent on the same machine: loopback addresses, and plain http to them. */
  allowLoopback: boolean
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

const refused = new BlockList()
refused.addSubnet('0.0.0.0', 8, 'ipv4')
refused.addSubnet('169.254.0.0', 16, 'ipv4')
refused.addSubnet('224.0.0.0', 3, 'ipv4')
refused.addAddress('::', 'ipv6')
refused.addSubnet('fe80::', 10, 'ipv6')
refused.addSubnet('ff00::', 8, 'ipv6')
// AWS answers with the machine's credentials here too.
refused.addSubnet('fd00:ec2::', 32, 'ipv6')

/** BlockList reads an IPv4 address in IPv6 clothes (::ffff:a.b.c.d) as the IPv4 address that it is. */
function isAllowed(address: string, { allowLoopback }: OutboundRules): boolean {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
  if (refused.check(address, family)) return false
  return allowLoopback || !loopback.check(address, family)
}

/** What is wrong with a vault's address, for a person; undefined where nothing is. Names are judged when they are looked up. */
export function faultOfVaultUrl(text: string, rules: OutboundRules): string | undefined {
  if (!URL.canParse(text)) return 'must be a URL like https://vault.example.com:8200'
  const url = new URL(text)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const isLoopback =
    isIP(host) === 0
      ? isLocalhost(host)
      : isAllowed(host, { allowLoopback: true }) && !isAllowed(host, { allowLoopback: false })
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback && rules.allowLoopback))
    return 'must begin with https://'
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password'
  if (url.search !== '' || url.hash !== '') return 'must have neither a query nor a fragment'
  if (isLoopback ? !rules.allowLoopback : isIP(host) !== 0 && !isAllowed(host, rules))
    return 'must not be an address of this machine or a link-local one'
  return undefined
}

/** RFC 6761: every name under localhost is this machine, whatever a resolver would say. */
const isLocalhost = (host: string): boolean => /(^|\.)localhost\.?$/i.test(host)

/** For a socket: only the addresses of the name that a vault may have, so that a second look-up cannot answer another one. */
export function lookupWithin(rules: OutboundRules): LookupFunction {
  return (hostname, options, callback) => {
    const answer = (found: LookupAddress[]) => {
      const first = found.find(({ address }) => isAllowed(address, rules))
      if (first === undefined)
        return callback(
          Object.assign(new Error('refused'), { code: 'EADDRREFUSED' }) as NodeJS.ErrnoException,
          '',
        )
      if (options.all)
        callback(
          null,
          found.filter(({ address }) => isAllowed(address, rules)),
        )
      else callback(null, first.address, first.family)
    }
    if (isLocalhost(hostname)) return answer([{ address: '127.0.0.1', family: 4 }])
    lookup(hostname, { ...options, all: true }, (error, found) =>
      error === null ? answer(found) : callback(error, ''),
    )
  }
}
