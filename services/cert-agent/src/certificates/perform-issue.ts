import { wishDeployments } from '../deployments/wish-deployments.ts'
import { issueCertificate } from '../issuing/issue-certificate.ts'
import type { Performer } from '../operations/performer.ts'
import { planRenewal } from '../renewal/plan-renewal.ts'
import { unknownCertificate } from './find-certificate.ts'

/** A new version, and then a wish for it on every server where a virtual host names the certificate. Never twice at a time. */
export const performIssue: Performer = async (deps, operation, signal) => {
  const { id: operationId, certificateId, actor } = operation
  if (certificateId === null) throw unknownCertificate()
  const { from_version: fromVersion = 0 } = operation.request as { from_version?: number }
  const { attempts = 0 } = operation.progress as { attempts?: number }
  return deps.leases.withLease(`certificate:${certificateId}`, signal, async (held) => {
    const before = await deps.certificates.findById(certificateId)
    if (before === undefined) throw unknownCertificate()
    // An earlier attempt, or another operation meanwhile, has done it.
    if (before.version <= fromVersion) {
      if (before.version === 0) await deps.certificates.setState(certificateId, { state: 'issuing' })
      await issueCertificate(deps, {
        ...{ operationId, certificateId, actor, signal: held },
        onProgress: (step: string) =>
          void deps.operations.report(operationId, { step, attempts }).catch(() => {}),
      })
    }
    const issued = await deps.certificates.findById(certificateId)
    if (issued === undefined) throw unknownCertificate()
    const { version } = issued
    const serverIds = await deps.deployments.serversNaming(certificateId)
    const deploy = serverIds.length > 0 && (await wishDeployments(deps, issued, { actor, serverIds }))
    // Last, because it asks the CA, which may be slow.
    await planRenewal(deps, certificateId, held)
    return deploy ? { version, deploy_operation_id: deploy.id } : { version }
  })
}
