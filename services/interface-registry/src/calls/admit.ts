import type { VerifiedApiKey } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import type { CallTarget } from './store.ts'

/** A call that may be made: the interface behind the hash, and a valid key that opens it. */
export async function admit(
  { targets, auth }: Pick<Deps, 'targets' | 'auth'>,
  hash: string,
  apiKey: string | undefined,
): Promise<{ target: CallTarget; key: VerifiedApiKey }> {
  const target = await targets.find(hash)
  const key = await auth.keys.verify(apiKey)
  // Another project's interfaces are none of the key's business, not even that they exist.
  if (key.project_id !== target.projectId)
    throw new AppError('not_found', 'There is no interface at this address.')
  if (key.public_interface_id !== null && key.public_interface_id !== target.interfaceId)
    throw new AppError('forbidden', 'The API key is bound to another interface.')
  return { target, key }
}
