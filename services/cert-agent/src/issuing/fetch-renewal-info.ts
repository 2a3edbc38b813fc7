import type { AcmeDeps } from '../acme/open-transport.ts'
import { askRenewalInfo, type RenewalWindow } from '../acme/renewal-info.ts'
import type { Deps } from '../deps.ts'

/** When the CA would have the newest version renewed; undefined where it has no opinion. */
export async function fetchRenewalInfo(
  deps: AcmeDeps & Pick<Deps, 'certificates' | 'acmeAccounts'>,
  { certificateId, signal }: { certificateId: string; signal: AbortSignal },
): Promise<RenewalWindow | undefined> {
  const certificate = await deps.certificates.findById(certificateId)
  if (certificate === undefined) return undefined
  const { projectId, version } = certificate
  const newest = await deps.certificates.findVersion(certificateId, version)
  // Not the certificate's, which may have been given another one since.
  const acmeAccountId = newest?.acmeAccountId ?? null
  if (newest === undefined || acmeAccountId === null) return undefined
  const account = await deps.acmeAccounts.find(projectId, acmeAccountId)
  if (account === undefined) return undefined
  const { directoryUrl } = account
  return askRenewalInfo(deps, { projectId, directoryUrl, certificatePem: newest.certificatePem, signal })
}
