import { type LookupAddress, promises } from 'node:dns'
import { isIP } from 'node:net'
import type { OutboundPolicy } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { unreachable } from '../reach/unreachable.ts'
import { isAddressAllowed } from './address-rules.ts'

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
  const literal = hostname.replace(/^\[(.*)\]$/, '$1')
  const family = isIP(literal)
  const found = family === 0 ? await resolve(literal).catch(notResolved) : [{ address: literal, family }]
  const allowed = found.filter(({ address }) => isAddressAllowed(policy, address, port))
  if (allowed.length === 0)
    throw new AppError(
      'outbound_denied',
      `The project's outbound policy does not allow connections to port ${port} of this target.`,
    )
  return allowed
}

const notResolved = (error: unknown): never => {
  throw unreachable(error)
}
