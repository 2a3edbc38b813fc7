import { type Caller, callerLabel, projectOf } from '@opsconductor/auth'
import type { Deps } from '../deps.ts'
import type { ClientLimit } from './certificate-within.ts'

/** Undefined where the caller may manage every server that the permission table lets it: people, and most keys. */
export async function findLimit(
  { clientLimits }: Pick<Deps, 'clientLimits'>,
  caller: Caller,
): Promise<ClientLimit | undefined> {
  if (caller.kind === 'user') return undefined
  const serverIds = await clientLimits.find(projectOf(caller), caller.keyId)
  return serverIds === undefined ? undefined : { serverIds, by: callerLabel(caller) }
}
