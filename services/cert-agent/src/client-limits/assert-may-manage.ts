import { type Caller, callerLabel, projectOf } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { findLimit } from './find-limit.ts'

type Needed = Pick<Deps, 'clientLimits' | 'audit'>

export const unknownServer = () => new AppError('not_found', 'There is no such server.')

/**
 * SEC-3. Every route that names a server, directly or through a certificate's deployments, asks it first. Throws
 * `not_found` for what is not an API key's own, as for what is not there; the refusal is in the audit log.
 */
export async function assertMayManage(
  deps: Needed,
  caller: Caller,
  serverIds: readonly string[],
): Promise<void> {
  const limit = await findLimit(deps, caller)
  if (limit === undefined) return
  const beyond = serverIds.find((id) => !limit.serverIds.includes(id))
  if (beyond === undefined) return
  await recordRefusal(deps, caller, { server_id: beyond })
  throw unknownServer()
}

/** The same for a certificate: a limited API key sees those on its servers and those that it made. */
export async function assertMaySeeCertificate(
  deps: Needed,
  caller: Caller,
  certificateId: string,
): Promise<void> {
  if (!(await maySeeCertificate(deps, caller, certificateId)))
    throw new AppError('not_found', 'There is no such certificate.')
}

/** False is in the audit log. */
export async function maySeeCertificate(
  deps: Needed,
  caller: Caller,
  certificateId: string,
): Promise<boolean> {
  const limit = await findLimit(deps, caller)
  if (limit === undefined) return true
  if (await deps.clientLimits.concerns(certificateId, { projectId: projectOf(caller), ...limit })) return true
  await recordRefusal(deps, caller, { certificate_id: certificateId })
  return false
}

/** For what a limited API key may not do at all, as it would lead beyond its servers. */
export async function assertUnlimited(deps: Needed, caller: Caller, detail: string): Promise<void> {
  if ((await findLimit(deps, caller)) === undefined) return
  await recordRefusal(deps, caller, {})
  throw new AppError('forbidden', detail)
}

/** What a project's clients share: a limited API key would reach into the others' servers by it, unless it made it itself. */
export async function assertMayChange(
  deps: Needed,
  caller: Caller,
  { createdBy }: { createdBy: string },
): Promise<void> {
  if (createdBy === callerLabel(caller)) return
  await assertUnlimited(deps, caller, 'An API key that is limited to some servers changes only what it made.')
}

// What was named goes to the detail, not to the row's columns: it may be another project's.
const recordRefusal = ({ audit }: Pick<Deps, 'audit'>, caller: Caller, detail: Record<string, string>) =>
  audit.record({
    projectId: projectOf(caller),
    actor: callerLabel(caller),
    action: 'client.limit',
    outcome: 'refused',
    detail,
  })
