import type { LentCredential } from '@opsconductor/contracts'
import {
  createProjectTrust,
  createReach,
  holdSshCredential,
  limitsOf,
  type ProjectTrust,
  type Reach,
  sshCredentialTypes,
  throughBastions,
} from '@opsconductor/reach'
import { borrowCredential } from '../credentials/borrow-credential.ts'
import type { Deps } from '../deps.ts'
import { findWay } from './find-way.ts'

export type WayDeps = Pick<Deps, 'internal' | 'resolve' | 'trustLookup' | 'sshPool' | 'log'>

export interface WayOf {
  projectId: string
  operationId: string
  /** Names of the project's bastions, from the nearest on. */
  via: readonly string[]
  /** What is sent to the target, which may be limited to some hosts. */
  credential?: LentCredential
  signal: AbortSignal
}

/** How an operation's connections get to a target: under the project's outbound policy, and through its bastions. */
export interface Way {
  reach: Reach
  trust: ProjectTrust
  /** What opens the bastions. */
  lent: readonly LentCredential[]
}

/** Throws `step_failed` where a bastion or what opens it is gone, `service_unavailable`. */
export async function openWay(deps: WayDeps, of: WayOf): Promise<Way> {
  const { projectId, operationId, via, credential, signal } = of
  const { internal, resolve, sshPool } = deps
  const { policy, bastions } = await findWay(deps, projectId, via, signal)
  const trust = createProjectTrust(
    {
      internal,
      lookup: deps.trustLookup,
      onNotReported: (error) =>
        deps.log.warn({ err: error }, 'a host key that was refused could not be reported'),
    },
    projectId,
    limitsOf(credential).caBundles,
  )
  const direct = createReach({ projectId, policy, resolve, limitsHosts: limitsOf(credential).hosts })
  if (bastions.length === 0) return { reach: direct, trust, lent: [] }
  const hops = await Promise.all(
    bastions.map(async ({ name, host, port, credential: reference }) => {
      const lent = await borrowCredential(
        deps,
        { projectId, operationId, reference, taken: sshCredentialTypes },
        signal,
      )
      return {
        hop: { name, host, port, credential: holdSshCredential(lent), limitsHosts: lent.limits_hosts },
        lent,
      }
    }),
  )
  const reach = throughBastions(direct, { bastions: hops.map(({ hop }) => hop), policy, trust, sshPool })
  return { reach, trust, lent: hops.map(({ lent }) => lent) }
}
