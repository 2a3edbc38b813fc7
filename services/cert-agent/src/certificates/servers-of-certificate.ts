import type { Challenge } from '@opsconductor/contracts'
import { serversOfWish } from '../client-limits/servers-of-wish.ts'
import type { Deps } from '../deps.ts'
import type { StoredCertificate } from './store.ts'

/** Every server that work on the certificate has to do with: where it is served, controlled, or its key made. */
export async function serversOfCertificate(
  { deployments }: Pick<Deps, 'deployments'>,
  { id, challenges, keyMadeOn }: StoredCertificate,
): Promise<string[]> {
  return [
    ...new Set([
      ...(await deployments.serversNaming(id)),
      ...serversOfWish(challenges as Challenge[], keyMadeOn),
    ]),
  ]
}
