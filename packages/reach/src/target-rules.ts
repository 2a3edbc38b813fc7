import { isIP } from 'node:net'
import type { OutboundPolicy, OutboundTarget } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { isAddressAllowed, isInRange } from './address-rules.ts'
import { isHostAllowed } from './host-limit.ts'

/** Whether a connection to this address may be made for a step that named `host`, which is the address itself where it named one. */
export function isConnectionAllowed(
  policy: OutboundPolicy,
  { host, address, port }: { host: string; address: string; port: number },
): boolean {
  if (!isAddressAllowed(policy, address, port)) return false
  const matches = (target: OutboundTarget, wrapped: boolean) =>
    isForPort(target, port) &&
    (target.cidr === undefined ? isNamedBy(target, host) : isInRange(target.cidr, address, wrapped))
  if (policy.deny?.some((target) => matches(target, true))) return false
  return policy.only?.some((target) => matches(target, false)) ?? true
}

/** What the name alone decides: its address need not be asked for. */
export const isNameDenied = (policy: OutboundPolicy, host: string, port: number): boolean =>
  policy.deny?.some((target) => isForPort(target, port) && isNamedBy(target, host)) ?? false

/**
 * For targets whose names are resolved elsewhere, as behind a bastion: an address is held against the whole policy, a name
 * against the rules on names alone, because nobody here knows where it leads. Throws `outbound_denied`.
 */
export function checkTarget(policy: OutboundPolicy, host: string, port: number): void {
  const name = canonicalHost(host)
  if (name === undefined) throw outboundDenied(port)
  const address = isIP(name) > 0 ? name : loopbackOf(name)
  const isAllowed =
    address === undefined
      ? isNameAllowed(policy, name, port)
      : isConnectionAllowed(policy, { host: name, address, port })
  if (!isAllowed) throw outboundDenied(port)
}

export const outboundDenied = (port: number): AppError =>
  new AppError(
    'outbound_denied',
    `The project's outbound policy does not allow connections to port ${port} of this target.`,
  )

/** TLS 1.3, but for the hosts that the policy has an exception for. */
export const tlsVersionMin = (policy: OutboundPolicy, host: string): 'TLSv1.2' | 'TLSv1.3' =>
  isHostAllowed(policy.tls12_hosts ?? [], host) ? 'TLSv1.2' : 'TLSv1.3'

const isForPort = ({ ports }: OutboundTarget, port: number): boolean => ports?.includes(port) ?? true

const isNamedBy = ({ host }: OutboundTarget, name: string): boolean =>
  host !== undefined && isHostAllowed([host], name)

const isNameAllowed = (policy: OutboundPolicy, name: string, port: number): boolean =>
  !isNameDenied(policy, name, port) &&
  (policy.only?.some((target) => isForPort(target, port) && isNamedBy(target, name)) ?? true)

/** RFC 6761 section 6.3: these are the loopback of whoever resolves them. */
const loopbackOf = (name: string): string | undefined =>
  name === 'localhost' || name.endsWith('.localhost') ? '127.0.0.1' : undefined

/** As URLs write it: `0x7f.1` and `2130706433` are addresses to a resolver too. */
function canonicalHost(host: string): string | undefined {
  const written = isIP(host) === 6 ? `[${host}]` : host
  if (/[/?#@\\]/.test(written) || !URL.canParse(`http://${written}/`)) return undefined
  const { hostname, port } = new URL(`http://${written}/`)
  return port === '' ? hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '') : undefined
}
