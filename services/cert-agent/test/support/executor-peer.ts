import { findWayEndpoint, type OutboundPolicy } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { internalRoute } from '@opsconductor/service-kit'
import { servePeer } from '@opsconductor/test-peers'

interface Bastion {
  projectId: string
  name: string
  host: string
  port: number
  credential: string
}

/** The executor's internal listener as cert-agent sees it: each project may reach what was opened. */
export async function startExecutorPeer() {
  const policy: OutboundPolicy = { allow: [] }
  const bastions: Bastion[] = []
  const listening = await servePeer('executor', [
    internalRoute(findWayEndpoint, async ({ request: { project_id, via } }) => ({
      policy,
      bastions: via.map((name) => {
        const found = bastions.find((one) => one.projectId === project_id && one.name === name)
        if (found === undefined) throw new AppError('not_found', `The project has no bastion ${name}.`)
        const { projectId: _, ...bastion } = found
        return bastion
      }),
    })),
  ])
  return {
    url: listening.url,
    bastions,
    /** Opens loopback ports for every project. */
    open: (...ports: number[]) => policy.allow.push({ cidr: '127.0.0.1', ports }),
    close: () => listening.close(),
  }
}
