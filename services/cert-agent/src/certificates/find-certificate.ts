import { type Caller, projectOf } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import { assertMaySeeCertificate } from '../client-limits/assert-may-manage.ts'
import { findLimit } from '../client-limits/find-limit.ts'
import type { Deps } from '../deps.ts'
import type { StoredCertificate, WholeCertificate } from './store.ts'

export const unknownCertificate = () => new AppError('not_found', 'There is no such certificate.')

type Needed = Pick<Deps, 'certificates' | 'clientLimits' | 'audit'>

export async function findCertificate(deps: Needed, caller: Caller, id: string): Promise<StoredCertificate> {
  const certificate = await deps.certificates.find(projectOf(caller), id)
  if (certificate === undefined) throw unknownCertificate()
  await assertMaySeeCertificate(deps, caller, id)
  return certificate
}

/** With its versions and deployments; of these, a limited API key sees those on its servers. */
export async function findWholeCertificate(
  deps: Needed,
  caller: Caller,
  id: string,
): Promise<WholeCertificate> {
  const certificate = await deps.certificates.findWhole(projectOf(caller), id)
  if (certificate === undefined) throw unknownCertificate()
  await assertMaySeeCertificate(deps, caller, id)
  const limit = await findLimit(deps, caller)
  if (limit === undefined) return certificate
  const { deployments } = certificate
  return { ...certificate, deployments: deployments.filter((one) => limit.serverIds.includes(one.serverId)) }
}
