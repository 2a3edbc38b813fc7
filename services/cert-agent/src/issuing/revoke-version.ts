import type { RevokeCertificate } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import type { AcmeDeps } from '../acme/open-transport.ts'
import { acmeTypeOf } from '../acme/problem.ts'
import { openAccount } from '../acme-accounts/open-account.ts'
import type { Deps } from '../deps.ts'
import type { KeyWork } from './key-of-version.ts'

export type RevocationReason = z.infer<typeof RevokeCertificate>['reason']

/** RFC 5280 section 5.3.1. */
const reasonCodes: Record<RevocationReason, number> = {
  unspecified: 0,
  'key-compromise': 1,
  'affiliation-changed': 3,
  superseded: 4,
  'cessation-of-operation': 5,
}

/** Revokes a version at the CA that issued it; one that is revoked already stays so. */
export async function revokeVersion(
  deps: AcmeDeps & Pick<Deps, 'operations' | 'certificates' | 'acmeAccounts' | 'audit'>,
  given: KeyWork & { certificateId: string; version: number; reason: RevocationReason },
): Promise<void> {
  const { certificateId, version, operationId, actor } = given
  const certificate = await deps.certificates.findById(certificateId)
  const found = await deps.certificates.findVersion(certificateId, version)
  if (certificate === undefined || found === undefined)
    throw new AppError('not_found', 'There is no such version of a certificate (any more).')
  const { projectId } = certificate
  // Not the certificate's, which may have been given another one since.
  const { acmeAccountId } = found
  const account = acmeAccountId === null ? undefined : await deps.acmeAccounts.find(projectId, acmeAccountId)
  if (account === undefined)
    throw new AppError(
      'conflict',
      'It was imported, or its account was deleted: it is revoked where it was issued.',
    )
  const reason = reasonCodes[given.reason]
  const row = { projectId, actor, action: 'acme.revoke', operationId, certificateId }
  const detail = { version, serial: found.serial, reason: given.reason }
  const acme = await openAccount(deps, account, given)
  try {
    await acme.revoke(found.certificatePem, reason)
  } catch (error) {
    if (acmeTypeOf(error) !== 'alreadyRevoked') {
      await deps.audit.record({ ...row, outcome: 'failed', detail })
      throw error
    }
  } finally {
    await acme.close()
  }
  await deps.certificates.markRevoked(certificateId, version, { at: deps.now(), reason })
  await deps.audit.record({ ...row, outcome: 'succeeded', detail })
}
