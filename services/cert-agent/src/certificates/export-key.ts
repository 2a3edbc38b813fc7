import { createPrivateKey, X509Certificate } from 'node:crypto'
import { type Caller, callerLabel } from '@opsconductor/auth'
import type { ExportedKey } from '@opsconductor/contracts'
import { AppError, toAppError } from '@opsconductor/errors'
import type { z } from 'zod'
import { assertMayManage } from '../client-limits/assert-may-manage.ts'
import { borrowCredential } from '../credentials/borrow-credential.ts'
import type { Deps } from '../deps.ts'
import { endOperation } from '../operations/end-operation.ts'
import { findCertificate } from './find-certificate.ts'

/** The private key of the newest version, the one that leaves the platform; who asked is written down before it does. */
export async function exportKey(
  deps: Deps,
  caller: Caller,
  id: string,
  signal: AbortSignal,
): Promise<z.infer<typeof ExportedKey>> {
  const { projectId, version, credentialId } = await findCertificate(deps, caller, id)
  await assertMayManage(deps, caller, await deps.deployments.serversNaming(id))
  const found = await deps.certificates.findVersion(id, version)
  if (found === undefined || credentialId === null)
    throw new AppError('conflict', 'The certificate has not been issued yet.')
  const actor = callerLabel(caller)
  const of = { projectId, actor, certificateId: id }
  const { id: operationId } = await deps.operations.insert(
    { ...of, kind: 'export', request: { version }, credentials: [credentialId] },
    'running',
  )
  try {
    const borrowed = { projectId, operationId, reference: credentialId, taken: ['x509'] }
    const { secret } = await borrowCredential(deps, borrowed, signal)
    const key = secret.private_key ?? ''
    if (!isKeyOf(found.certificatePem, key))
      throw new AppError('service_unavailable', 'The next version is being kept; ask again.', {
        retryAfterSeconds: 2,
      })
    await deps.audit.record({
      ...{ ...of, operationId, action: 'certificate.export-key', outcome: 'succeeded' },
      detail: { version, serial: found.serial },
    })
    await endOperation(deps, operationId, { state: 'succeeded', result: { version } })
    return {
      private_key: key,
      certificate: found.certificatePem,
      certificate_chain: found.chainPem,
    }
  } catch (error) {
    const { code, message } = toAppError(error)
    await endOperation(deps, operationId, { state: 'failed', error: { code, message } })
    throw error
  }
}

function isKeyOf(certificatePem: string, keyPem: string): boolean {
  try {
    return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem))
  } catch {
    return false
  }
}
