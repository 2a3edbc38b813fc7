import type { LookupAddress } from 'node:dns'
import type { Duplex } from 'node:stream'
import type { OutboundPolicy } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { connectDirectly } from './connect-directly.ts'
import { isHostAllowed } from './host-limit.ts'
import { type Resolve, resolveTarget } from './resolve-target.ts'
import { tlsVersionMin } from './target-rules.ts'

/**
 * How a step gets to its targets: under its project's outbound policy and the limits of its credential. Whatever opens
 * a connection for a step does it with this, and with the addresses that this answers, never by a name.
 */
export interface Reach {
  /** The same for two steps only where a connection of the one may serve the other: part of every pool's key. */
  key: string
  /** Then there is only `connect`: what is no TCP target must refuse to be used. */
  hasBastions: boolean
  /** Throws `outbound_denied` where the step's credential may not be sent to the host; asked at every use of a pooled connection too. */
  assertCredentialMayGoTo(host: string): void
  /** The oldest TLS that a connection to the host may speak. */
  tlsVersionMin(host: string): 'TLSv1.2' | 'TLSv1.3'
  /** The addresses of the host that connections to the port may go to. Throws `outbound_denied`. */
  resolve(host: string, port: number): Promise<LookupAddress[]>
  /** A TCP connection. Throws `outbound_denied`, `target_unreachable`, `step_timeout`, or `signal`'s reason. */
  connect(host: string, port: number, signal: AbortSignal): Promise<Duplex>
}

export interface ReachOf {
  projectId: string
  policy: OutboundPolicy
  resolve: Resolve
  /** For each of the step's credentials that is limited, the hosts that it may be sent to. */
  limitsHosts: readonly (readonly string[])[]
}

/** From this machine straight to the target. */
export function createReach({ projectId, policy, resolve, limitsHosts }: ReachOf): Reach {
  const addressesOf = (host: string, port: number) => resolveTarget(policy, host, port, resolve)
  return {
    key: JSON.stringify([projectId, policy]),
    hasBastions: false,
    assertCredentialMayGoTo(host) {
      if (limitsHosts.every((hosts) => isHostAllowed(hosts, host))) return
      throw new AppError(
        'outbound_denied',
        'The credential may not be sent to this host: its limits name others.',
      )
    },
    tlsVersionMin: (host) => tlsVersionMin(policy, host),
    resolve: addressesOf,
    async connect(host, port, signal) {
      return connectDirectly(await addressesOf(host, port), port, signal)
    },
  }
}
