import { AppError } from '@opsconductor/errors'
import { inspectTls } from '@opsconductor/reach'
import type { Deps } from '../deps.ts'
import type { Way } from '../servers/open-way.ts'
import type { Seen } from './seen.ts'

export interface ProbeOf {
  host: string
  port: number
  /** The server name that is asked for; of `*.` any one below it, of `_` the host. */
  name: string
  signal: AbortSignal
  way: Pick<Way, 'reach' | 'trust'>
}

const probeMsMax = 10_000

/**
 * Looks at what is served, trusted or not, as a client that trusts what the project trusts. Throws `outbound_denied`,
 * `target_unreachable` (also after ten seconds), `target_refused`, or `signal`'s reason.
 */
export async function probeVhost({ now }: Pick<Deps, 'now'>, of: ProbeOf): Promise<Seen> {
  const { host, port, name, way } = of
  const timeout = AbortSignal.timeout(probeMsMax)
  const signal = AbortSignal.any([of.signal, timeout])
  try {
    const servername = serverNameOf(name, host)
    const seen = await inspectTls(
      { host, port, servername },
      { reach: way.reach, trust: way.trust, clientCertificate: undefined, signal },
      now(),
    )
    const leaf = seen.chain[0]
    if (leaf === undefined) throw new AppError('target_refused', 'The target showed no certificate.')
    return {
      serial: leaf.serial.toLowerCase(),
      issuer: leaf.issuer,
      notBefore: new Date(leaf.not_before),
      notAfter: new Date(leaf.not_after),
      names: leaf.names,
      protocol: seen.protocol,
      chainValid: seen.chainValid,
      nameMatches: seen.nameMatches,
      reasons: seen.reasons.map(({ message }) => message),
      isValidFor: (other) => seen.isValidFor(serverNameOf(other, host)),
    }
  } catch (error) {
    of.signal.throwIfAborted()
    if (timeout.aborted)
      throw new AppError('target_unreachable', 'The virtual host did not answer within ten seconds.')
    throw error
  }
}

/** A label that nobody uses, so that no other virtual host answers in its place. */
const anyLabel = 'opsconductor-probe'

function serverNameOf(name: string, host: string): string {
  if (name === '_') return host
  return name.startsWith('*.') ? `${anyLabel}.${name.slice(2)}` : name
}
