import type { Caller } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { findCertificate } from './find-certificate.ts'

/** PEM of the newest version: the certificate, and its chain without the root. */
export async function getChain(deps: Deps, caller: Caller, id: string): Promise<string> {
  const { version } = await findCertificate(deps, caller, id)
  const found = await deps.certificates.findVersion(id, version)
  if (found === undefined) throw new AppError('conflict', 'The certificate has not been issued yet.')
  return [found.certificatePem, found.chainPem]
    .filter((pem) => pem !== '')
    .map((pem) => pem.replace(/\n*$/, '\n'))
    .join('')
}
