import { type LookupAddress, promises } from 'node:dns'
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import type { OutboundPolicy } from '@opsconductor/contracts'
import { isConnectionAllowed, isNameDenied, outboundDenied } from './target-rules.ts'
import { unreachable } from './unreachable.ts'

/** All addresses of a host name. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>

export const resolveBySystem: Resolve = (hostname) => promises.lookup(hostname, { all: true })

/**
 * The addresses of `hostname` that a connection to `port` may go to. Connect to one of these and never to the name: a
 * second look-up might answer something else (DNS rebinding). Throws `outbound_denied` where none is left, and
 * `target_unreachable` where the name does not resolve.
 */
export async function resolveTarget(
  policy: OutboundPolicy,
  hostname: string,
  port: number,
  resolve: Resolve,
): Promise<LookupAddress[]> {
  const literal = asLookedUp(hostname.replace(/^\[(.*)\]$/, '$1'))
  const family = isIP(literal)
  if (isNameDenied(policy, literal, port)) throw outboundDenied(port)
  const found = family === 0 ? await resolve(literal).catch(notResolved) : [{ address: literal, family }]
  const allowed = found.filter(({ address }) => isConnectionAllowed(policy, { host: literal, address, port }))
  if (allowed.length === 0) throw outboundDenied(port)
  return allowed
}

/** Node looks names up like this: a full-width letter must not get a name past the rules on names. */
const asLookedUp = (name: string): string => (isIP(name) === 0 ? domainToASCII(name) || name : name)

const notResolved = (error: unknown): never => {
  throw unreachable(error)
}
