import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { OutboundPolicy } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { SshPool } from '@opsconductor/ssh'
import type { HeldCredential } from './held-credential.ts'
import { isHostAllowed } from './host-limit.ts'
import type { ProjectTrust } from './project-trust.ts'
import type { Reach } from './reach.ts'
import { routeTo, type SshRoute } from './ssh-route.ts'
import { checkTarget } from './target-rules.ts'
import { toSshLogin } from './to-ssh-login.ts'

/** An SSH server on the way. */
export interface Bastion {
  name: string
  host: string
  port: number
  credential: HeldCredential
  /** Where its credential may be sent; null where that is not limited. */
  limitsHosts: readonly string[] | null
}

interface BastionsOf {
  /** From the nearest on. */
  bastions: readonly Bastion[]
  policy: OutboundPolicy
  trust: ProjectTrust
  sshPool: SshPool
}

type Connect = Reach['connect']

/**
 * The same targets, reached from the last of the bastions. The first is reached as `direct` reaches anything; what comes
 * after is resolved by the bastions, so addresses are held against the whole policy and names against its rules on names.
 */
export function throughBastions(direct: Reach, { bastions, policy, trust, sshPool }: BastionsOf): Reach {
  const wayKey = (hops: readonly Bastion[]): string =>
    hops.length === 0
      ? direct.key
      : createHash('sha256')
          .update(JSON.stringify([direct.key, ...hops.map(keyParts)]))
          .digest('base64')

  const connectBehind = (hops: readonly Bastion[]): Connect => {
    const before = hops.slice(0, -1)
    const last = hops.at(-1)
    if (last === undefined) return direct.connect
    const connectBefore = connectBehind(before)
    return async (host, port, signal): Promise<Duplex> => {
      checkTarget(policy, host, port)
      assertMayGo(last)
      const route = await routeTo({
        ...{ host: last.host, port: last.port, credential: last.credential, trust },
        wayKey: wayKey(before),
        openSocket: (connecting) => connectBefore(last.host, last.port, connecting),
      })
      return sshPool.forward(route.key, namingErrors(last.name, route), { host, port }, signal)
    }
  }

  return {
    ...direct,
    key: wayKey(bastions),
    hasBastions: true,
    resolve() {
      throw new AppError('step_failed', 'This target cannot be reached through bastions.')
    },
    connect: connectBehind(bastions),
  }
}

const keyParts = ({ host, port, credential, limitsHosts }: Bastion) => [
  ...[host, port, credential.id, limitsHosts],
  toSshLogin(credential),
]

function assertMayGo({ name, host, limitsHosts }: Bastion): void {
  if (limitsHosts === null || isHostAllowed(limitsHosts, host)) return
  throw new AppError(
    'outbound_denied',
    `The credential of the bastion ${name} may not be sent to it: its limits name other hosts.`,
  )
}

/** The step's own target is another SSH server, maybe: an error says which of them it is of. */
const namingErrors =
  (name: string, { open }: SshRoute): SshRoute['open'] =>
  async (signal) => {
    try {
      return await open(signal)
    } catch (error) {
      if (!(error instanceof AppError) || signal.aborted) throw error
      throw new AppError(error.code, `Bastion ${name}: ${error.message}`, { cause: error })
    }
  }
