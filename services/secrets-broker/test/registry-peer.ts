import { bindConnectorEndpoint, type UseCredential } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { internalRoute } from '@opsconductor/service-kit'
import { servePeer } from '@opsconductor/test-peers'
import type { z } from 'zod'

type Bound = z.infer<typeof bindConnectorEndpoint.answer>

/** The registry's internal listener as the broker sees it, with connectors in memory. */
export async function startRegistryPeer() {
  const connectors = new Map<string, (use: UseCredential) => Bound>()
  const asked: (UseCredential & { id: string })[] = []
  const listening = await servePeer('interface-registry', [
    internalRoute(bindConnectorEndpoint, async ({ params: { id = '' }, request }) => {
      asked.push({ id, ...request })
      const answer = connectors.get(id)
      if (answer === undefined) throw new AppError('not_found', 'There is no such connector.')
      return answer(request)
    }),
  ])
  return {
    url: listening.url,
    /** The uses that were asked for, in order. */
    asked,
    /** What the registry says of the connector to whoever uses it. */
    onBind: (id: string, answer: (use: UseCredential) => Bound) => connectors.set(id, answer),
    close: () => listening.close(),
  }
}
