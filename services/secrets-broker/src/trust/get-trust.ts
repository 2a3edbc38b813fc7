import type { getTrustEndpoint } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { selectTrust } from './store.ts'
import { caBundleToWire, hostKeyToWire } from './trust-to-wire.ts'

/** Whom the project's steps trust: the keys of one SSH host where one is named, and its CA bundles. */
export async function getTrust(
  { pool }: Deps,
  { project_id: projectId, host, port }: z.infer<typeof getTrustEndpoint.request>,
): Promise<z.infer<typeof getTrustEndpoint.answer>> {
  const { hostKeys, caBundles } = await selectTrust(pool, { projectId, host, port })
  return { host_keys: hostKeys.map(hostKeyToWire), ca_bundles: caBundles.map(caBundleToWire) }
}
