/**
 * Whether a credential limited to `hosts` may be sent to `host`, a URL's or a DSN's. A limit is a name or an address, or
 * `*.` and a domain for every name below it, in lower case.
 */
export function isHostAllowed(hosts: readonly string[], host: string): boolean {
  const wanted = plainHost(host)
  return hosts.some((limit) =>
    limit.startsWith('*.') ? isBelow(wanted, limit.slice(2)) : wanted === plainHost(limit),
  )
}

const isBelow = (host: string, domain: string): boolean =>
  host.endsWith(`.${domain}`) && host.length > domain.length + 1

/** Lower case, no brackets, no dot at the end (the same host), IPv6 as URLs write it. */
function plainHost(host: string): string {
  const plain = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
  const address = `http://[${plain}]`
  return plain.includes(':') && URL.canParse(address) ? new URL(address).hostname.slice(1, -1) : plain
}
