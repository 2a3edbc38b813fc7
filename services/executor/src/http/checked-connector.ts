import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import type { OutboundPolicy } from '@opsconductor/contracts'
import { buildConnector } from 'undici'
import { type Resolve, resolveTarget } from '../outbound-policy/resolve-target.ts'

const connectTimeoutMs = 10_000

/** Makes undici's connections to checked addresses only; the name stays what TLS certificates are checked against. */
export function checkedConnector(policy: OutboundPolicy, resolve: Resolve): buildConnector.connector {
  return (target, callback) => {
    const port = Number(target.port) || (target.protocol === 'https:' ? 443 : 80)
    resolveTarget(policy, target.hostname, port, resolve).then(
      (addresses) => {
        const connect = buildConnector({
          timeout: connectTimeoutMs,
          allowH2: false,
          minVersion: 'TLSv1.3',
          lookup: pinnedTo(addresses),
        })
        connect(target, callback)
      },
      (error: Error) => callback(error, null),
    )
  }
}

/** A look-up that only knows the addresses that were checked. Node asks it for names alone, never for literals. */
function pinnedTo(addresses: LookupAddress[]): LookupFunction {
  return (_hostname, { all }, callback) => {
    const [first] = addresses as [LookupAddress]
    if (all) callback(null, addresses)
    else callback(null, first.address, first.family)
  }
}
