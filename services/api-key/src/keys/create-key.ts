import { type Caller, generateApiKey, hashApiKey, projectOf } from '@opsconductor/auth'
import { type CreateApiKey, findPublicInterfaceEndpoint } from '@opsconductor/contracts'
import { AppError, notFoundAsUndefined } from '@opsconductor/errors'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { callersExpiry } from './callers-expiry.ts'
import { assertMayGrant } from './key-grants.ts'
import type { ApiKey } from './store.ts'
import { unknownInterface } from './unknown-interface.ts'

type Needs = Pick<Deps, 'keys' | 'config' | 'events' | 'now' | 'registry'>

/** Makes a key of the caller's project. `key` is shown this once and kept nowhere. */
export async function createKey(
  deps: Needs,
  caller: Caller,
  request: z.infer<typeof CreateApiKey>,
): Promise<{ apiKey: ApiKey; key: string }> {
  const projectId = projectOf(caller)
  const publicInterfaceId = request.public_interface_id
  const expiresAt = request.expires_at === null ? null : new Date(request.expires_at)
  if (expiresAt !== null && !(expiresAt.getTime() > deps.now()))
    throw new AppError('validation_failed', 'expires_at is not in the future.', {
      errors: [{ path: 'body.expires_at', message: 'must be in the future' }],
    })
  const scopes = [...new Set(request.scopes)]
  assertMayGrant(caller, await callersExpiry(deps, caller), { scopes, publicInterfaceId, expiresAt })
  if (publicInterfaceId !== null) await assertInterfaceOf(deps, projectId, publicInterfaceId)
  const { key, id } = generateApiKey()
  const apiKey = await deps.keys.create({
    userId: caller.userId,
    projectId,
    publicInterfaceId,
    name: request.name,
    keyHash: hashApiKey(key, deps.config.API_KEY_PEPPER),
    keyPrefix: id.slice(0, 4),
    scopes,
    expiresAt,
  })
  deps.events.keyChanged('created', caller, apiKey.id)
  return { apiKey, key }
}

async function assertInterfaceOf({ registry }: Needs, projectId: string, id: string): Promise<void> {
  const found = await registry
    .call(findPublicInterfaceEndpoint, {}, { params: { id } })
    .catch(notFoundAsUndefined)
  if (found?.project_id !== projectId) throw unknownInterface()
}
